/*
 * What `fdpass run` has Node programs import. Their Node can be another one than ours, and too old for fdpass/register: they have
 * the proxy variables alone then.
 */
import { isTooOld } from './node-version.js';

if (!isTooOld(process.versions.node)) await import('./register.js');
