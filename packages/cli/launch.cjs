'use strict';
const path = require('node:path');

/**
 * Starts the bundled command that `file` is named after, with V8's compiled code kept between runs (Node 22.1 and later): most of a cold
 * start is compiling. The cache is a folder of the user's own; Node's default is a shared one under /tmp, where another
 * user could leave code for us.
 */
module.exports = function launch(file) {
  const name = path.basename(file, '.cjs');
  const bundles = path.join(__dirname, 'bundle');
  if (isTooOld(process.versions.node)) {
    const fix = 'put a newer one first in PATH';
    process.stderr.write(
      `${name}: [config] ${process.execPath} is Node ${process.versions.node}, and ${name} needs 20.19 or later; ${fix}\n`,
    );
    process.exit(78);
  }
  try {
    enableCompileCache(bundles);
    require(path.join(bundles, `${name}.cjs`));
  } catch (error) {
    process.stderr.write(`${name}: [internal] ${reasonOf(error, bundles)}\n`);
    process.exit(70);
  }
};

/** Debian's node in /usr/bin can be older than the one that fdpass was installed with. */
function isTooOld(version) {
  const [major, minor] = version.split('.').map(Number);
  return major < 20 || (major === 20 && minor < 19);
}

/** Why the command cannot start: each a state of this machine, for which a stack trace would be of no help. */
function reasonOf({ code, message }, bundles) {
  if (code === 'EMFILE') return 'no file descriptor left in this process; raise the limit: ulimit -n';
  if (code === 'MODULE_NOT_FOUND' && message.includes(bundles)) return 'not built yet; run: npm run build';
  return `${String(message).split('\n', 1)[0]}; please report it`;
}

function enableCompileCache(bundles) {
  const { enableCompileCache: enable } = require('node:module');
  const { XDG_CACHE_HOME, HOME } = process.env;
  const base = XDG_CACHE_HOME || (HOME && path.join(HOME, '.cache'));
  if (!enable || !base || !path.isAbsolute(base)) return; // a cache that cannot be had only costs time
  const { makePrivateFolder } = require(path.join(bundles, 'private-folder.cjs'));
  const folder = path.join(base, 'fdpass');
  if (makePrivateFolder(folder)) enable(folder);
}
