/*
 * What `fdpass run` has Node programs load. Their Node can be another one than ours, and unable to require an ES module:
 * they have the proxy variables alone then.
 */
if (process.features.require_module === true) require('./register.js');
