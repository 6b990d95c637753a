// Checks docs/dependencies.md against the dependencies that each package.json names: none is missing and none is left over,
// versions are those asked for, and licence, engines and install script are those installed.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const RECORD = 'docs/dependencies.md';
const KINDS = ['dependencies', 'devDependencies', 'optionalDependencies'];

/** `name version` of each dependency, and a folder it is installed in. */
function asked() {
  const folders = ['.', 'scripts/reference', ...readdirSync('packages').map((name) => join('packages', name))];
  return new Map(folders.flatMap(dependenciesOf));
}

function dependenciesOf(folder) {
  const manifest = readJson(folder);
  return KINDS.flatMap((kind) => Object.entries(manifest[kind] ?? {}))
    .filter(([, version]) => !version.startsWith('workspace:'))
    .map(([name, version]) => [`${name} ${version}`, join(folder, 'node_modules', name)]);
}

/** The rows of the tables by `name version`. */
function recorded() {
  const rows = readFileSync(RECORD, 'utf8').matchAll(/^\| (.*) \|$/gm);
  const cells = [...rows].map(([, row]) => row.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll('\\|', '|')));
  const isHeading = ([name]) => name === 'package' || name.startsWith('---');
  return new Map(cells.filter((row) => !isHeading(row)).map((row) => [`${row[0]} ${row[1]}`, row]));
}

/** The cells of a row that are wrong. */
function wrongCells([, , , , , licence, engines, script], folder) {
  const manifest = readJson(folder);
  const { preinstall, install, postinstall } = manifest.scripts ?? {};
  const facts = [
    ['licence', licence, manifest.license ?? manifest.licenses?.[0]?.type],
    ['engines', engines, manifest.engines?.node ?? 'any'],
    ['install script', script.split(':')[0], (preinstall ?? install ?? postinstall) === undefined ? 'no' : 'yes'],
  ];
  return facts.filter(([, said, is]) => said !== is).map(([what, said, is]) => `${what} is ${is}, not ${said}`);
}

function readJson(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}

const rows = recorded();
const wanted = asked();
const problems = [
  ...[...wanted.keys()].filter((key) => !rows.has(key)).map((key) => `${key} is missing`),
  ...[...rows.keys()].filter((key) => !wanted.has(key)).map((key) => `${key} is used by no package`),
  ...[...wanted].flatMap(([key, folder]) =>
    rows.has(key) ? wrongCells(rows.get(key), folder).map((what) => `${key}: ${what}`) : [],
  ),
];
for (const problem of problems) console.log(`${RECORD}: ${problem}`);
process.exit(problems.length > 0 ? 1 : 0);
