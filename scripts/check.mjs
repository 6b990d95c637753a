// Everything quick: format, lint and import circles, types, unused code, exports, rooms, the packages as they would be
// published, the dependencies' record.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const CHECKS = {
  'format and lint': ['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.'],
  types: ['node_modules/typescript/bin/tsc', '-b'],
  'unused code': ['node_modules/knip/bin/knip.js', '--no-config-hints'],
  'exports: used and documented': ['scripts/reference/check-exports.mjs'],
  'imports between rooms': ['scripts/check-rooms.mjs'],
  'packed packages': ['scripts/check-packages.mjs'],
  "dependencies' record": ['scripts/check-dependencies.mjs'],
};
const failed = Object.entries(CHECKS).filter(([name, command]) => {
  console.log(`check: ${name}`);
  return spawnSync(process.execPath, command, { stdio: 'inherit' }).status !== 0;
});
if (failed.length > 0) console.log(`check: failed: ${failed.map(([name]) => name).join(', ')}`);
process.exit(failed.length > 0 ? 1 : 0);
