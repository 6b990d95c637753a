// Makes docs/plugin-host.md: what a strategy gets, from the types that it is written against. Each member has its declaration
// and its comment from the source. The groups and the examples are by hand.
import { readFileSync } from 'node:fs';

const SOURCES = new URL('../packages/core/src/', import.meta.url);

/** The interfaces of the page: where each is, and how it is called there. */
const INTERFACES = {
  host: ['strategy/strategy.ts', 'StrategyHost'],
  context: ['dial/context.ts', 'DialContext'],
  connection: ['connection/connection.ts', 'Connection'],
  chain: ['dial/dialer.ts', 'Chain'],
  target: ['ground/target.ts', 'Target'],
  dialer: ['dial/dialer.ts', 'Dialer'],
  'options of spawn': ['strategy/strategy.ts', 'SpawnOptions'],
  'options of run': ['strategy/strategy.ts', 'RunOptions'],
  candidate: ['dial/attempt.ts', 'Candidate'],
  'options of race': ['dial/race.ts', 'RaceOptions'],
  'details of error': ['ground/errors.ts', 'ErrorDetails'],
  request: ['proxy/credentials.ts', 'CredentialRequest'],
  tls: ['proxy/tls.ts', 'TlsOptions'],
  clock: ['ground/clock.ts', 'Clock'],
};

/** What core fills in itself. */
const NOT_FOR_PLUGINS =
  /^(?:request\.(?:baseDir|signal|trace|environment|beforeAsking)|details of error\.(?:where|rule|hop)|tls\.kernel)$/;

const GROUPS = [
  {
    title: 'The hops before',
    members: ['host.forward', 'host.isFirst', 'host.route'],
    example: `import type { Strategy } from '@fdpass/core';

/** Reaches a gateway through the hops before it, or by a route of its own. */
export const gateway: Strategy<{ host: string; port: number; through?: unknown }> = {
  name: 'gateway',
  async create({ through, ...place }, host) {
    const way = through === undefined ? host.forward : await host.route(through);
    return { dial: (_target, context) => way.dial(place, context) };
  },
};`,
  },
  {
    title: 'Connections of its own',
    members: [
      'host.lookUp',
      'host.nameServers',
      'host.namesAt',
      'host.compareAddresses',
      'host.open',
      'host.race',
      'host.startTls',
      'host.socketDefaults',
      'host.tlsDefaults',
    ],
    example: `import type { Strategy } from '@fdpass/core';

/** Tries all addresses of a host, the next one a quarter of a second after the one before. */
export const every: Strategy = {
  name: 'every',
  firstOnly: true,
  create: (_options, host) => ({
    async dial(target, context) {
      const addresses = await host.lookUp(target.host, 0, context);
      const candidates = addresses.map((address) => ({
        label: address.host,
        headStartMs: 250,
        open: (own: typeof context) => host.open({ ...address, port: target.port }, host.socketDefaults, own),
      }));
      const lost = () => host.error('unreachable', \`no address of \${target.host} answers\`);
      return host.race(candidates, { of: 'address', lost }, context);
    },
  }),
};`,
  },
  {
    title: 'Programs and files',
    members: ['host.spawn', 'host.run', 'host.path', 'host.baseDir', 'host.environment'],
    example: `import type { Strategy } from '@fdpass/core';

/** A program is the connection. */
export const tunnel: Strategy<{ program: string }> = {
  name: 'tunnel',
  firstOnly: true,
  create: ({ program }, host) => ({
    dial: (target, context) => host.spawn([program, target.host, String(target.port)], context),
  }),
};`,
  },
  {
    title: 'Passwords, errors and time',
    members: ['host.credentials', 'host.error', 'host.clock', 'host.random'],
    example: `import type { CredentialOptions, Strategy } from '@fdpass/core';

/** Sends a password first. */
export const door: Strategy<{ host: string; port: number; credentials?: CredentialOptions }> = {
  name: 'door',
  create: ({ credentials: written, ...place }, host) => ({
    async dial(_target, context) {
      const found = await host.credentials({ host: place.host, options: written }, context);
      if (found === undefined) throw host.error('permission', 'the door needs a password', { hint: 'add "credentials"' });
      const connection = await host.forward.dial(place, context);
      await connection.write(Buffer.from(\`\${found.password}\\n\`));
      return connection;
    },
  }),
};`,
  },
  { title: 'What an agent remembers', members: ['host.standby', 'host.winners', 'host.lifetime'] },
];

const PARTS = [
  ['A connection', ['connection'], 'What every dial of `host` gives. Reads take exactly what they ask for.'],
  ['The context', ['context'], 'The second argument of `dial`. Pass it on to whatever you call.'],
  ['The target', ['target'], 'The first argument of `dial`.'],
  ['A dialer', ['dialer'], 'What `create` returns. Only `dial` is needed.'],
  ['A chain', ['chain'], '`host.forward`, and what `host.route` gives.'],
  [
    'What calls take',
    [
      'options of spawn',
      'options of run',
      'candidate',
      'options of race',
      'tls',
      'request',
      'details of error',
      'clock',
    ],
    'An address of `host.open` is `{ family, host, port }` as `host.lookUp` gives it with a port, or `{ path }` of a unix socket.',
  ],
];

/** The whole page; what is in no group comes last. @throws Error if a group names a member that is not there. */
export function formatHostPage() {
  const members = Object.keys(INTERFACES)
    .flatMap(membersOf)
    .filter(({ name }) => !NOT_FOR_PLUGINS.test(name));
  const grouped = GROUPS.flatMap((group) => group.members);
  const ofHost = members.filter(({ name }) => name.startsWith('host.')).map(({ name }) => name);
  const gone = grouped.filter((name) => !ofHost.includes(name));
  if (gone.length > 0) throw new Error(`scripts/plugin-host.mjs: ${gone.join(', ')} is not there any more`);
  const rest = ofHost.filter((name) => !grouped.includes(name));
  const all = rest.length === 0 ? GROUPS : [...GROUPS, { title: 'More', members: rest }];
  const listOf = (chosen) => members.filter(chosen).map(format).join('\n');
  const groups = all.map(({ title, members: names, example }) => {
    const code = example === undefined ? '' : `\n\`\`\`ts\n${example}\n\`\`\`\n`;
    return `## ${title}\n\n${names.map((name) => listOf((member) => member.name === name)).join('\n')}\n${code}`;
  });
  const parts = PARTS.map(([title, owners, intro]) => {
    const lists = owners.map((owner) => {
      const heading = owners.length === 1 ? '' : `${HEADINGS[owner]}:\n\n`;
      return `${heading}${listOf(({ name }) => name.startsWith(`${owner}.`))}\n`;
    });
    return `## ${title}\n\n${wrap(intro)}\n\n${lists.join('\n')}`;
  });
  return `${INTRODUCTION}\n${[...groups, ...parts].join('\n')}`;
}

/** What the shapes in the last part are for. */
const HEADINGS = {
  'options of spawn': 'The options of `host.spawn`',
  'options of run': 'The options of `host.run`',
  candidate: 'A candidate of `host.race`',
  'options of race': 'The options of `host.race`',
  tls: 'The options of `host.startTls`',
  request: 'The request of `host.credentials`',
  'details of error': 'The details of `host.error`',
  clock: '`host.clock`',
};

const INTRODUCTION = `<!-- Written by "npm run docs" from the types in packages/core/src. -->
# What a plugin gets

\`create(options, host)\` of a strategy gets the options of the config and a \`host\`; \`dial(target, context)\` of what it returns
gets what is to be reached. With these a plugin needs no import. [Writing a strategy](writing-a-strategy.md) is the way in; this
page is for looking things up, and its words are those of the types.
`;

function format({ name, declaration, comment }) {
  const [owner = ''] = name.split('.');
  const prefix = HEADINGS[owner] === undefined ? `${owner}.` : '';
  return wrap(`- \`${prefix}${declaration}\`: ${comment}`, '  ');
}

/** Lines as long as those of the other pages; a word is never broken. */
function wrap(text, indent = '') {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line.length + word.length >= 130 && line.trim() !== '') lines.push(`${indent}${word}`);
    else lines.push(`${lines.pop()}${line === '' ? '' : ' '}${word}`);
  }
  return lines.join('\n');
}

/** The members of an interface, with their comments: each has one, which "npm run check" sees to. */
function membersOf(owner) {
  const [file, name] = INTERFACES[owner];
  const source = readFileSync(new URL(file, SOURCES), 'utf8');
  const [, body] = new RegExp(`^export interface ${name}(?:<\\w+>)? \\{\n(.*?)^\\}`, 'ms').exec(source) ?? [];
  if (body === undefined) throw new Error(`${file} has no interface ${name}`);
  return [...body.matchAll(/^ {2}\/\*\*(.*?)\*\/\n {2}(?! )(.*?);\n(?= {2}\/\*\*|$)/gms)].map(
    ([, comment, declaration]) => {
      const written = declaration
        .replace(/\s+/g, ' ')
        .replace(/^readonly /, '')
        .replaceAll('( ', '(')
        .replaceAll(', )', ')');
      return { name: `${owner}.${/^\w+/.exec(written)?.[0]}`, declaration: written, comment: wordsOf(comment) };
    },
  );
}

/** A comment in one paragraph, its tags in words. */
function wordsOf(comment) {
  const text = comment
    .replace(/^\s*\*? ?/gm, ' ')
    .replace(/\{@link Dialer\.(\w+)\}/g, '`$1` of a dialer')
    .replace(/\{@link (?:\w+\.)?(\w+)\}/g, '`$1`')
    .replace(/@throws FdpassError/g, 'Throws')
    .replace(/@param (\w+) /g, '`$1`: ')
    .replace(/\s+/g, ' ')
    .trim();
  return /[.)]$/.test(text) ? text : `${text}.`;
}
