import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { DnsServer, expectNoDescriptorLeft, NXDOMAIN, openSocketsAndPipes, SERVFAIL } from '@fdpass/test-lab';
import { expect } from 'chai';
import { isFdpassError } from '../ground/errors.js';
import { HandClock } from '../ground/hand-clock.spec.helper.js';
import { nameServerResolver, parseNameServer } from './name-servers.js';
import type { HostAddress, Resolver } from './resolver.js';

const NEVER = new AbortController().signal;

describe('the address of a name server', () => {
  const CASES: readonly (readonly [written: string, expected: string | undefined])[] = [
    ['10.0.0.53', '10.0.0.53:53'],
    ['10.0.0.53:5353', '10.0.0.53:5353'],
    ['2001:db8::53', '[2001:db8::53]:53'],
    ['[2001:db8::53]', '[2001:db8::53]:53'],
    ['[2001:db8::53]:5353', '[2001:db8::53]:5353'],
    ['::1', '[::1]:53'],
    ['ns.example', undefined],
    ['10.0.0.53:0', undefined],
    ['10.0.0.53:65536', undefined],
    ['[10.0.0.53]:53', undefined],
    ['10.0.0.53:', undefined],
    ['', undefined],
    [':53', undefined],
    ['10.0.0.53 ', undefined],
  ];
  for (const [written, expected] of CASES) {
    it(JSON.stringify(written), () => expect(parseNameServer(written)).to.equal(expected));
  }
});

describe('a resolver of name servers', () => {
  const servers: DnsServer[] = [];
  let clock: HandClock;
  let last: string | undefined;
  beforeEach(() => {
    clock = new HandClock();
    last = undefined;
  });
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close()));
    expect(clock.pending).to.equal(0);
  });

  async function start(
    answers: Readonly<Record<string, DnsServer['answers'] extends Map<string, infer A> ? A : never>>,
    at?: string,
  ): Promise<DnsServer> {
    const server = await DnsServer.start(at);
    servers.push(server);
    for (const [name, answer] of Object.entries(answers)) server.answers.set(name, answer);
    return server;
  }

  const system: Resolver = async () => [{ family: 4, host: '127.0.0.7' }];

  function resolverOf(...list: readonly (DnsServer | string)[]): Resolver {
    const addresses = list.map((server) => (typeof server === 'string' ? server : server.address));
    return nameServerResolver(addresses, {
      clock,
      compareAddresses: (a, b) => b.family - a.family,
      resolve: system,
      winners: { of: () => ({ last, won: (server) => (last = server) }) },
    });
  }

  const hosts = (found: readonly HostAddress[]): string[] => found.map(({ host }) => host);

  it('gives all addresses, of the family that is asked for, the better family first', async () => {
    const server = await start({
      'both.example': ['192.0.2.1', '192.0.2.2', '2001:db8::1', '2001:db8::2'],
      'four.example': ['192.0.2.1'],
      'six.example': ['2001:db8::1'],
    });
    const resolve = resolverOf(server);
    const both = await resolve('both.example', 0, NEVER);
    expect(hosts(both).slice(0, 2)).to.have.members(['2001:db8::1', '2001:db8::2']);
    expect(hosts(both).slice(2)).to.have.members(['192.0.2.1', '192.0.2.2']);
    expect(both.map(({ family }) => family)).to.deep.equal([6, 6, 4, 4]);
    expect(hosts(await resolve('both.example', 4, NEVER))).to.have.members(['192.0.2.1', '192.0.2.2']);
    expect(hosts(await resolve('four.example', 0, NEVER))).to.deep.equal(['192.0.2.1']);
    expect(hosts(await resolve('six.example', 0, NEVER))).to.deep.equal(['2001:db8::1']);
    expect(hosts(await resolve('four.example.', 0, NEVER))).to.deep.equal(['192.0.2.1']);
  });

  it('asks one server over IPv6 as well', async function () {
    const server = await start({ 'a.example': ['192.0.2.9'] }, '::1').catch(() => undefined);
    if (server === undefined) return this.skip();
    expect(hosts(await resolverOf(server)('a.example', 4, NEVER))).to.deep.equal(['192.0.2.9']);
  });

  it('asks the next server where one fails, and believes the first that knows', async () => {
    const failing = await start({ 'a.example': SERVFAIL, 'b.example': ['192.0.2.1'] });
    const knowing = await start({ 'a.example': ['192.0.2.2'], 'b.example': ['192.0.2.2'] });
    const resolve = resolverOf(failing, knowing);
    expect(hosts(await resolve('b.example', 4, NEVER))).to.deep.equal(['192.0.2.1']);
    expect(hosts(await resolve('a.example', 4, NEVER))).to.deep.equal(['192.0.2.2']);
  });

  it('asks the next server too where one has not answered for a moment, and that one first the next time', async () => {
    const silent = await start({ 'a.example': 'silent', 'none.example': 'silent' });
    const knowing = await start({ 'a.example': ['192.0.2.2'], 'none.example': NXDOMAIN });
    const before = openSocketsAndPipes();
    const resolve = resolverOf(silent, knowing);
    const asking = resolve('a.example', 4, NEVER);
    await silent.nextQuestion();
    clock.advance(499);
    expect(knowing.questions).to.deep.equal([]);
    clock.advance(1);
    expect(hosts(await asking)).to.deep.equal(['192.0.2.2']);
    await expectNoDescriptorLeft(before);
    const none = await resolve('none.example', 4, NEVER).catch((error: unknown) => error);
    expect(none).to.have.property('code', 'unknown-host');
    expect([silent.questions, knowing.questions]).to.deep.equal([['a.example'], ['a.example', 'none.example']]);
  });

  it('believes a server that is slow', async () => {
    const slow = await start({ 'a.example': 'silent' });
    const failing = await start({ 'a.example': SERVFAIL });
    const asking = resolverOf(slow, failing)('a.example', 4, NEVER);
    await slow.nextQuestion();
    slow.answers.set('a.example', ['192.0.2.1']); // for when it is asked again
    clock.advance(500);
    expect(hosts(await asking)).to.deep.equal(['192.0.2.1']);
    expect([last, failing.questions]).to.deep.equal([slow.address, ['a.example']]);
  });

  it('leaves localhost to the system', async () => {
    const server = await start({});
    for (const host of ['localhost', 'a.localhost', 'localhost.'])
      expect(hosts(await resolverOf(server)(host, 0, NEVER)), host).to.deep.equal(['127.0.0.7']);
    expect(server.questions).to.deep.equal([]);
  });

  it('says why there is no address', async () => {
    const server = await start({ 'none.example': NXDOMAIN, 'six.example': ['2001:db8::1'], 'bad.example': SERVFAIL });
    const unused = createSocket('udp4').bind(0, '127.0.0.1');
    await once(unused, 'listening');
    const closed = `127.0.0.1:${unused.address().port}`;
    unused.close();
    const outcome = (host: string, family: 0 | 4, ...of: (DnsServer | string)[]): Promise<string> =>
      resolverOf(...of)(host, family, NEVER).then(
        (found) => hosts(found).join(),
        (error: unknown) => (isFdpassError(error) ? `${error.code}: ${error.summary}` : String(error)),
      );
    expect(await outcome('none.example', 0, server)).to.equal(
      'unknown-host: cannot look up none.example: no such host',
    );
    expect(await outcome('six.example', 4, server)).to.equal(
      'unknown-host: cannot look up six.example: no IPv4 address',
    );
    expect(await outcome('bad.example', 0, server)).to.equal(
      `unknown-host: cannot look up bad.example: the name server ${server.address} failed (SERVFAIL)`,
    );
    expect(await outcome('a.example', 0, closed)).to.equal(
      `unreachable: cannot look up a.example: nothing listens at the name server ${closed}`,
    );
  });

  it('says who has not answered, after asking twice', async () => {
    const server = await start({ 'silent.example': 'silent' });
    const error = await resolverOf(server)('silent.example', 4, NEVER).catch((failure: unknown) => failure);
    expect(error).to.deep.include({
      code: 'timeout',
      summary: `cannot look up silent.example: no answer from the name server ${server.address}`,
    });
    expect(server.questions).to.have.length(2);
  });

  it('ends at once when its caller has had enough, with the reason', async () => {
    const server = await start({ 'silent.example': 'silent' });
    const before = openSocketsAndPipes();
    const abort = new AbortController();
    const reason = new Error('enough');
    const asking = resolverOf(server)('silent.example', 0, abort.signal).catch((error: unknown) => error);
    await server.nextQuestion();
    abort.abort(reason);
    expect(await asking).to.equal(reason);
    await expectNoDescriptorLeft(before);
    expect(await resolverOf(server)('a.example', 0, abort.signal).catch((error: unknown) => error)).to.equal(reason);
  });
});
