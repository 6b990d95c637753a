'use strict';
const fs = require('node:fs');
const path = require('node:path');

/**
 * Starts one of the bundled commands, with V8's compiled code kept between runs (Node 22.1 and later): most of a cold
 * start is compiling. The cache is a folder of the user's own; Node's default is a shared one under /tmp, where another
 * user could leave code for us.
 */
module.exports = function launch(name) {
  const bundle = path.join(__dirname, 'bundle', `${name}.cjs`);
  enableCompileCache();
  try {
    require(bundle);
  } catch (error) {
    if (error.code !== 'MODULE_NOT_FOUND' || !error.message.includes(bundle)) throw error;
    process.stderr.write(`${name}: not built yet; run: npm run build\n`);
    process.exit(70);
  }
};

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
