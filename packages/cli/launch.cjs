'use strict';
const fs = require('node:fs');
const path = require('node:path');

/**
 * Starts the bundled command that `file` is named after, with V8's compiled code kept between runs (Node 22.1 and later): most of a cold
 * start is compiling. The cache is a folder of the user's own; Node's default is a shared one under /tmp, where another
 * user could leave code for us.
 */
module.exports = function launch(file) {
  const name = path.basename(file, '.cjs');
  const bundle = path.join(__dirname, 'bundle', `${name}.cjs`);
  if (isTooOld(process.versions.node)) {
    const fix = 'put a newer one first in PATH';
    process.stderr.write(
      `${name}: ${process.execPath} is Node ${process.versions.node}, and ${name} needs 20.19 or later; ${fix}\n`,
    );
    process.exit(78);
  }
  enableCompileCache();
  try {
    require(bundle);
  } catch (error) {
    process.stderr.write(`${name}: ${reasonOf(error, bundle)}\n`);
    process.exit(70);
  }
};

/** Debian's node in /usr/bin can be older than the one that fdpass was installed with. */
function isTooOld(version) {
  const [major, minor] = version.split('.').map(Number);
  return major < 20 || (major === 20 && minor < 19);
}

/** Why the command cannot start: each a state of this machine, for which a stack trace would be of no help. */
function reasonOf({ code, message }, bundle) {
  if (code === 'EMFILE') return 'no file descriptor left in this process; raise the limit: ulimit -n';
  if (code === 'MODULE_NOT_FOUND' && message.includes(bundle)) return 'not built yet; run: npm run build';
  return `internal error: ${String(message).split('\n', 1)[0]}; please report it`;
}

function enableCompileCache() {
  const { enableCompileCache: enable } = require('node:module');
  const home = process.env.HOME;
  const base = process.env.XDG_CACHE_HOME || (home && path.join(home, '.cache'));
  if (!enable || !base || !path.isAbsolute(base)) return;
  const folder = path.join(base, 'fdpass');
  try {
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    const stat = fs.lstatSync(folder);
    if (stat.isDirectory() && stat.uid === process.geteuid() && (stat.mode & 0o022) === 0) enable(folder);
  } catch {
    // A cache that cannot be had only costs time.
  }
}
