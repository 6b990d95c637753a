// Which compiled specs a run of the tests has, and which of them one mocha process runs.
import { existsSync, readdirSync } from 'node:fs';
import { join, sep } from 'node:path';

/** Folders of compiled specs in a package, and where their sources are. */
const SOURCES = new Map([
  ['dist', 'src'],
  ['dist-test', 'test'],
]);

/**
 * What these prove is the same on every Node: texts, types, schemas, packed files, what readers of the docs type, what other
 * programs' command lines become, what shells complete, what ssh would do, what is wrong in a set-up, and what real proxies
 * take of a handshake, whose bytes the tests with scripted proxies compare. So they run on the first Node only. The code that
 * they use has tests of its own, which run on every Node. ssh asks the agent as ask-agent does, which is tested on every Node. What
 * runs in a virtual machine, where Node is slow, is about the kernel, and so it runs once too.
 */
export const FIRST_NODE_ONLY = [
  'agent-asked-by-ssh.integration.spec',
  'broken-set-ups.integration.spec',
  'comparison.integration.spec',
  'completion.integration.spec',
  'config-schema-agrees.spec',
  'config-schema.spec',
  'doc-examples.spec',
  'doc-harness.spec',
  'doc-links.spec',
  'doc-sessions.integration.spec',
  'doctor.integration.spec',
  'every-program.integration.spec',
  'explain.integration.spec',
  'guide.integration.spec',
  'hints.spec',
  'init.integration.spec',
  'packed-arm64.integration.spec',
  'packed-contents.integration.spec',
  'packed-types.integration.spec',
  'planted-secrets.spec',
  'plugin-host.spec',
  'retry.integration.spec',
  'schema-libraries.spec',
  'walk.spec',
]
  .map((name) => join('packages/cli/dist-test', `${name}.js`))
  .concat([
    'packages/strategy-http-connect/dist/real-proxies.integration.spec.js',
    'packages/strategy-socks/dist/real-servers.integration.spec.js',
  ]);

const MACHINE = /\.machine\.spec\.js$/;

/** Those that take longest, the slowest first: the summary of a run names them. */
const SLOW = [
  'cli/dist-test/planted-secrets',
  'cli/dist-test/retry.integration',
  'strategy-command/dist/jump.integration',
  'cli/dist-test/agent.integration',
  'cli/dist-test/agent-asked-by-ssh.integration',
  'cli/dist-test/init.integration',
  'cli/dist-test/doctor.integration',
  'cli/dist-test/broken-set-ups.integration',
  'strategy-socks/dist/real-servers.integration',
  'strategy-http-connect/dist/real-proxies.integration',
  'cli/dist-test/jump.integration',
  'cli/dist-test/clients.integration',
].map((name) => join('packages', `${name}.spec.js`));

/**
 * The files of one mocha process, by kind and the slowest kind first, so that all processes end at about the same time. What
 * runs in a virtual machine is together, since a process boots it once, and so is what uses the installed packages.
 */
const KINDS = [
  { matches: MACHINE, batchSize: 100 },
  { matches: /\/(guide|packed-\w+)\.integration\.spec\.js$/, batchSize: 100 },
  { matches: /(\.integration|\/planted-secrets)\.spec\.js$/, batchSize: 5 },
  { matches: /./, batchSize: 40 },
];

/** The compiled specs whose source still exists, in batches for one mocha process each. */
export function batches(isFirstNode) {
  const files = slowestFirst(specs());
  for (const file of [...FIRST_NODE_ONLY, ...SLOW]) if (!files.includes(file)) throw new Error(`there is no ${file}`);
  const isOnce = (file) => FIRST_NODE_ONLY.includes(file) || MACHINE.test(file);
  const wanted = isFirstNode ? files : files.filter((file) => !isOnce(file));
  return KINDS.flatMap((kind) =>
    inBatches(
      wanted.filter((file) => kindOf(file) === kind),
      kind.batchSize,
    ),
  );
}

function kindOf(file) {
  return KINDS.find(({ matches }) => matches.test(file));
}

/** @param files Sorted by name. */
function slowestFirst(files) {
  const slow = SLOW.filter((file) => files.includes(file));
  return [...slow, ...files.filter((file) => !slow.includes(file))];
}

/** Neighbours in the list take about as long, so they are dealt out in turn: each of the first batches has one that is slow. */
function inBatches(files, size) {
  const count = Math.ceil(files.length / size);
  return Array.from({ length: count }, (_, batch) => files.filter((_file, index) => index % count === batch));
}

function specs() {
  return readdirSync('packages')
    .flatMap((name) => [...SOURCES.keys()].map((compiled) => join('packages', name, compiled)))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder, { recursive: true }).map((file) => join(folder, file)))
    .filter((file) => file.endsWith('.spec.js') && existsSync(sourceOf(file)))
    .sort();
}

function sourceOf(file) {
  const [packages, name, compiled, ...path] = file.split(sep);
  return join(packages, name, SOURCES.get(compiled), ...path).replace(/\.js$/, '.ts');
}
