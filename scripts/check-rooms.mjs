// Whether imports in core go down its list of rooms (docs/architecture.md), types counted. Circles are Biome's to find.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('../packages/core/src', import.meta.url)));
const ROOMS = [
  'embed',
  'framework',
  'handover',
  'routing',
  'strategy',
  'config',
  'rules',
  'proxy',
  'options',
  'lookup',
  'dial',
  'connection',
  'sys',
  'ground',
];
/** Rooms beside the list, with the highest room that they import. Others reach them through a lazy import() only. */
const SIDE_ENTRANCES = new Map([
  ['json-schema', 'embed'],
  ['cold-start', 'handover'],
]);

const files = readdirSync('.', { recursive: true }).filter(
  (file) => /\.ts$/.test(file) && !/\.spec\.(helper\.)?ts$/.test(file),
);
const problems = files.flatMap((file) =>
  importsOf(file).flatMap(({ to, isLazy }) => {
    const problem = problemWith(roomOf(file), roomOf(to), isLazy);
    return problem === undefined ? [] : [`packages/core/src/${file}: imports ${to}, ${problem}`];
  }),
);
for (const problem of problems.sort()) console.log(problem);
process.exit(problems.length > 0 ? 1 : 0);

function importsOf(file) {
  const text = readFileSync(file, 'utf8');
  const found = [...text.matchAll(/(\bfrom|\bimport|\bimport\()\s*'(\.[^']+)'/g)];
  return found.map(([, how, to]) => ({ to: join(file, '..', to), isLazy: how === 'import(' }));
}

/** The folder; undefined for the entry points, which import anything. */
function roomOf(file) {
  return file.includes('/') ? file.split('/')[0] : undefined;
}

function problemWith(from, to, isLazy) {
  if (from === undefined || from === to) return undefined;
  if (to === undefined) return 'an entry point';
  if (SIDE_ENTRANCES.has(to)) return isLazy ? undefined : 'which only a lazy import() can reach';
  const highest = ROOMS.indexOf(SIDE_ENTRANCES.get(from) ?? from);
  if (highest < 0 || !ROOMS.includes(to)) return `but ${highest < 0 ? from : to} is not in the list of rooms`;
  return ROOMS.indexOf(to) < highest ? `but ${to} is above ${from}` : undefined;
}
