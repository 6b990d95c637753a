import { BlockList, isIP } from 'node:net';
import { expect } from 'chai';
import { Random } from '../ground/random.spec.helper.js';
import type { Target } from '../ground/target.js';
import { ownAddresses } from './own-addresses.js';
import { parseMatchers, type Rule, type WrittenMatchers } from './rule.js';
import { type AskConditions, compileRules, type RuleTable, type RuleTrial } from './rule-table.js';

function ruleOf(written: WrittenMatchers): Rule {
  return { ...parseMatchers(written), use: 'direct', baseDir: '/', where: () => ({ file: '/f', line: 1, column: 1 }) };
}

const noConditions: AskConditions = async () => [];

async function find(table: RuleTable, wanted: Target): Promise<number | undefined> {
  return (await table.decide(wanted, noConditions)).match?.index;
}

async function explain(table: RuleTable, wanted: Target): Promise<readonly RuleTrial[]> {
  return (await table.decide(wanted, noConditions)).trials;
}

function target(host: string, more: Partial<Target> = {}): Target {
  return { host, port: 22, ...more };
}

const LABELS = ['a', 'b', 'web', 'db', 'web-1', 'corp', 'example'];
const NETWORKS = [
  '10.0.0.0/8',
  '10.1.0.0/16',
  '10.1.2.0/24',
  '10.1.2.3',
  '2001:db8::/32',
  '2001:db8::/64',
  '::1',
  '0.0.0.0/0',
  '::/0',
];
const ADDRESSES = ['10.1.2.3', '10.2.0.1', '192.168.1.1', '2001:db8::1', '2001:db8:1::1', '::1', '::ffff:10.1.2.3'];
const USERS = ['me', 'git', 'root'];

function randomName(random: Random): string {
  return Array.from({ length: 1 + random.below(4) }, () => random.pick(LABELS)).join('.');
}

function randomPattern(random: Random): string {
  const name = randomName(random);
  const shapes = [
    name,
    `*.${name}`,
    `.${name}`,
    `${name}*`,
    `*${name}*`,
    `${name}.*.${random.pick(LABELS)}`,
    '*',
    `?${name.slice(1)}`,
  ];
  return random.chance(20) ? random.pick(NETWORKS) : random.pick(shapes);
}

function randomPatterns(random: Random, one: (random: Random) => string): string[] {
  const negated = Array.from({ length: random.below(2) }, () => `!${one(random)}`);
  const positive = Array.from({ length: 1 + random.below(3) }, () => one(random));
  return random.chance(50) ? [...negated, ...positive] : [...positive, ...negated];
}

function randomRule(random: Random): WrittenMatchers {
  return {
    ...(random.chance(75) && { host: randomPatterns(random, randomPattern) }),
    ...(random.chance(20) && { alias: randomPatterns(random, randomPattern) }),
    ...(random.chance(20) && { user: randomPatterns(random, () => random.pick([...USERS, 'g*', '*t', '*o*'])) }),
    ...(random.chance(20) && { port: [random.pick([22, 443, '1-100', '2200-2299'])] }),
    ...(random.chance(20) && {
      localNetwork: [random.pick(NETWORKS), ...(random.chance(50) ? ['!192.168.0.0/16'] : [])],
    }),
  };
}

function randomTarget(random: Random): Target {
  const host = random.chance(30) ? random.pick(ADDRESSES) : randomName(random);
  return {
    host,
    port: random.pick([22, 80, 443, 2222]),
    ...(random.chance(50) && { user: random.pick(USERS) }),
    ...(random.chance(50) && { alias: random.chance(30) ? random.pick(ADDRESSES) : randomName(random) }),
  };
}

/*
 * A matcher that shares nothing with ours: regular expressions for names, node:net for addresses. Slow and plain.
 */

function isInside(network: string, address: string): boolean {
  if (isIP(address) === 0) return false;
  const [base = '', length] = network.split('/');
  const list = new BlockList();
  const kind = isIP(base) === 4 ? 'ipv4' : 'ipv6';
  if (length === undefined) list.addAddress(base, kind);
  else list.addSubnet(base, Number(length), kind);
  const mapped = /^::ffff:(\d+\..*)$/.exec(address)?.[1];
  const plain = mapped ?? address;
  return kind === (isIP(plain) === 4 ? 'ipv4' : 'ipv6') && list.check(plain, kind);
}

function patternHolds(pattern: string, text: string): boolean {
  if (NETWORKS.includes(pattern)) return isInside(pattern, text);
  if (pattern.startsWith('.')) return `.${text}`.endsWith(pattern);
  const expression = pattern.replaceAll('.', '\\.').replaceAll('?', '.').replaceAll('*', '.*');
  return new RegExp(`^${expression}$`).test(text);
}

function listHolds(patterns: readonly string[] | undefined, text: string | undefined): boolean {
  if (patterns === undefined) return true;
  if (text === undefined) return false;
  const holds = (pattern: string): boolean => patternHolds(pattern, text);
  const negated = patterns.filter((pattern) => pattern.startsWith('!')).map((pattern) => pattern.slice(1));
  return patterns.filter((pattern) => !pattern.startsWith('!')).some(holds) && !negated.some(holds);
}

function portHolds(ports: readonly (string | number)[] | undefined, port: number): boolean {
  return (ports ?? ['1-65535']).some((range) => {
    const [first = '', last = first] = String(range).split('-');
    return Number(first) <= port && port <= Number(last);
  });
}

/** Whether one of our addresses is in one of the networks, and none in a negated one. */
function networksHold(networks: readonly string[] | undefined, own: readonly string[]): boolean {
  if (networks === undefined) return true;
  const holds = (network: string): boolean => own.some((address) => isInside(network, address));
  const negated = networks.filter((network) => network.startsWith('!')).map((network) => network.slice(1));
  return networks.filter((network) => !network.startsWith('!')).some(holds) && !negated.some(holds);
}

function ruleHolds(rule: WrittenMatchers, wanted: Target, own: readonly string[]): boolean {
  return (
    listHolds(rule.host, wanted.host) &&
    listHolds(rule.alias, wanted.alias) &&
    listHolds(rule.user, wanted.user) &&
    portHolds(rule.port, wanted.port) &&
    networksHold(rule.localNetwork, own)
  );
}

describe('rule tables', () => {
  it('find what a naive matcher finds, and explain the same, for 10,000 random targets in 100 random tables', async () => {
    const random = new Random(7);
    let found = 0;
    for (let round = 0; round < 100; round++) {
      const written = Array.from({ length: 1 + random.below(120) }, () => randomRule(random));
      const own = [random.pick(ADDRESSES), random.pick(ADDRESSES)];
      const table = compileRules(written.map(ruleOf), { localAddresses: () => own });
      for (let i = 0; i < 100; i++) {
        const wanted = randomTarget(random);
        const first = written.findIndex((rule) => ruleHolds(rule, wanted, own));
        const expected = first === -1 ? undefined : first;
        if (expected !== undefined) found++;
        const last = (await explain(table, wanted)).at(-1);
        expect(await find(table, wanted), JSON.stringify([round, wanted])).to.equal(expected);
        expect(last?.matched ? last.index : undefined, JSON.stringify([round, wanted])).to.equal(expected);
      }
    }
    expect(found).to.be.within(1000, 9900); // both outcomes were seen
  });

  it('give the first of several that match, the first look-up and later ones alike', async () => {
    const table = compileRules([{ host: ['*.example'] }, { host: ['a.example'] }, {}, { host: ['b'] }].map(ruleOf));
    for (let i = 0; i < 3; i++) {
      const found = await Promise.all(['a.example', 'b.example', 'b', 'c'].map((host) => find(table, target(host))));
      expect(found).to.deep.equal([0, 0, 2, 2]);
    }
    expect(await find(compileRules([]), target('a'))).to.equal(undefined);
  });

  it('do not match a rule on user or alias if none was given', async () => {
    const table = compileRules([{ user: ['*'] }, { alias: ['*'] }].map(ruleOf));
    for (let i = 0; i < 2; i++) {
      expect(await find(table, target('a'))).to.equal(undefined);
      expect(await find(table, target('a', { user: 'me' }))).to.equal(0);
      expect(await find(table, target('a', { alias: 'x' }))).to.equal(1);
    }
  });

  it('say of each rule up to the winner which matcher does not hold', async () => {
    const written: WrittenMatchers[] = [
      { host: ['b'] },
      { host: ['a'], port: [443] },
      { user: ['git'] },
      { alias: ['x'] },
      { localNetwork: ['10.0.0.0/8'] },
      { host: ['a'] },
      {},
    ];
    const table = compileRules(written.map(ruleOf), { localAddresses: () => ['192.168.1.1'] });
    const trials = await explain(table, target('a', { user: 'me' }));
    expect(trials.map(({ why }) => why)).to.deep.equal([
      'host',
      'port',
      'user',
      'alias (not given)',
      'localNetwork',
      undefined,
    ]);
    expect(trials.map(({ matched }) => matched)).to.deep.equal([false, false, false, false, false, true]);
    expect(trials.at(-1)?.rule).to.equal(table.rules[5]);
  });

  it('ask for our addresses at most once a route, and not at all if no rule needs them', async () => {
    let asked = 0;
    const localAddresses = () => {
      asked++;
      return ['192.168.1.1'];
    };
    const near: WrittenMatchers = { host: ['a'], localNetwork: ['10.0.0.0/8'] };
    const table = compileRules([near, near, near, {}].map(ruleOf), { localAddresses });
    const counts: number[] = [];
    for (const host of ['a', 'a', 'b']) {
      asked = 0;
      expect(await find(table, target(host))).to.equal(3);
      counts.push(asked);
    }
    expect(counts).to.deep.equal([1, 1, 0]);
  });

  it('ask the conditions of rules that match otherwise, and go on where one does not hold', async () => {
    const written: WrittenMatchers[] = [{ host: ['b'] }, { host: ['a'] }, { user: ['git'] }, {}, {}];
    const table = compileRules(written.map((rule) => ({ ...ruleOf(rule), conditions: { profile: [] } })));
    const asked: (number | undefined)[] = [];
    const decision = await table.decide(target('a'), async (rule) => {
      asked.push(table.rules.indexOf(rule));
      const outcome = { condition: 'profile', isNegated: asked.length === 1, wanted: [], found: '' } as const;
      return [{ ...outcome, holds: asked.length > 1 }];
    });
    expect(asked).to.deep.equal([1, 3]);
    expect(decision.match?.index).to.equal(3);
    expect(decision.trials.map(({ why }) => why)).to.deep.equal(['host', 'not profile', 'user (not given)', undefined]);
  });

  it('know the addresses of this machine', () => {
    for (const address of ownAddresses()) expect(isIP(address), address).to.be.greaterThan(0);
  });
});
