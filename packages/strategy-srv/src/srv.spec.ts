import { PassThrough } from 'node:stream';
import {
  type Chain,
  type Connection,
  type DialContext,
  type Dialer,
  FdpassError,
  type StrategyHost,
  type Target,
} from '@fdpass/core';
import { loadSchema } from '@fdpass/core/host';
import { StreamConnection } from '@fdpass/core/sockets';
import { DnsServer, NXDOMAIN, SERVFAIL, type Srv } from '@fdpass/test-lab';
import { testHost, VirtualClock } from '@fdpass/testkit';
import { expect } from 'chai';
import { type SrvOptions, srv } from './index.js';

const TARGET: Target = { host: 'example.org', port: 2200, user: 'me', alias: 'home' };
const NAME = '_ssh._tcp.example.org';

function record(priority: number, target: string, port = 22, weight = 0): Srv {
  return { priority, weight, port, target };
}

/** Dials that fail for the hosts in `dead`; `silent.example` answers only to an abort. */
class FakeNet {
  readonly clock: VirtualClock = new VirtualClock();
  readonly controller: AbortController = new AbortController();
  readonly tried: string[] = [];
  readonly targets: Target[] = [];
  readonly events: unknown[] = [];
  #onDial: () => void = () => {};
  readonly #dead: readonly string[];

  constructor(...dead: readonly string[]) {
    this.#dead = dead;
  }

  way(name: string): Chain {
    return {
      label: name,
      needsRelay: () => name === 'tls',
      tls: () => (name === 'tls' ? { by: 'process' } : undefined),
      dial: (target, { signal }) => {
        this.tried.push(`${name} ${target.host}:${target.port}`);
        this.targets.push(target);
        this.#onDial();
        if (target.host === 'silent.example') {
          return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
        }
        if (!this.#dead.includes(target.host)) return Promise.resolve(new StreamConnection(new PassThrough()));
        return Promise.reject(new FdpassError('unreachable', 'connection refused', { hint: 'check the port' }));
      },
    };
  }

  /** Resolves when the next dial has begun. */
  nextDial(): Promise<void> {
    return new Promise((resolve) => {
      this.#onDial = resolve;
    });
  }

  get host(): StrategyHost {
    const { clock } = this;
    return testHost({
      clock,
      random: () => 0,
      forward: this.way('forward'),
      route: async (use) => this.way(String(use)),
    });
  }

  get context(): DialContext {
    const trace = (event: unknown): void => void this.events.push(event);
    return { signal: this.controller.signal, trace };
  }

  async create(options: SrvOptions): Promise<Dialer> {
    return srv.create(options, this.host);
  }

  async dial(options: SrvOptions = {}, target: Target = TARGET): Promise<Connection> {
    return (await (await this.create(options)).dial(target, this.context)) as Connection;
  }
}

async function failure(promise: Promise<unknown>): Promise<FdpassError> {
  const error = await promise.then(
    () => new Error('did not fail'),
    (reason: unknown) => reason,
  );
  expect(error).to.be.instanceOf(FdpassError);
  return error as FdpassError;
}

describe('srv', () => {
  let server: DnsServer;
  /** The options that ask our name server. */
  let ours: SrvOptions;

  beforeEach(async () => {
    server = await DnsServer.start();
    ours = { servers: [server.address] };
  });
  afterEach(() => server.close());

  /** Asks a name server that knows these records. */
  const found = (...records: readonly Srv[]): SrvOptions => {
    server.answers.set(NAME, records);
    return ours;
  };

  it('tries the servers in order of priority, the next one when one is dead', async () => {
    server.answers.set(NAME, [record(30, 'c.example'), record(10, 'a.example', 2022), record(20, 'b.example', 443)]);
    const net = new FakeNet('a.example');
    (await net.dial(ours)).destroy();
    expect(net.tried).to.deep.equal(['forward a.example:2022', 'forward b.example:443']);
    expect(net.targets[1]).to.deep.equal({ ...TARGET, host: 'b.example', port: 443 });
    expect(server.questions).to.deep.equal([NAME]);
    expect(net.clock.pending).to.equal(0);
  });

  it('asks the name servers that the route has, unless the hop has its own', async () => {
    server.answers.set(NAME, [record(10, 'a.example')]);
    const other = await DnsServer.start();
    const net = new FakeNet();
    const ofRoute = Object.assign(async () => [], { servers: [server.address] });
    const host = testHost({ clock: net.clock, random: () => 0, forward: net.way('forward'), resolve: ofRoute });
    for (const options of [{}, { servers: [other.address] }]) {
      const dialer = await srv.create(options, host);
      await dialer.dial(TARGET, { signal: net.controller.signal, trace: () => {} });
    }
    expect(net.tried).to.deep.equal(['forward a.example:22', `forward ${TARGET.host}:${TARGET.port}`]);
    expect([server.questions, other.questions]).to.deep.equal([[NAME], [NAME]]);
    await other.close();
  });

  it('dials the target as it is if there is no such name, or no such record', async () => {
    for (const answer of [NXDOMAIN, []]) {
      server.answers.set(NAME, answer);
      const net = new FakeNet();
      (await net.dial(ours)).destroy();
      expect(net.tried).to.deep.equal(['forward example.org:2200']);
    }
  });

  it('refuses a service that is not offered', async () => {
    server.answers.set(NAME, [record(0, '.', 0)]);
    const net = new FakeNet();
    const error = await failure(net.dial(ours));
    expect([error.code, error.message]).to.deep.equal([
      'unknown-host',
      `the SRV record ${NAME} says that this service is not offered there`,
    ]);
    expect(net.tried).to.deep.equal([]);
  });

  it('fails if the name server does: an answer that nobody gave does not mean "none"', async () => {
    server.answers.set(NAME, SERVFAIL);
    const net = new FakeNet();
    const error = await failure(net.dial(ours));
    expect([error.code, net.tried]).to.deep.equal(['unknown-host', []]);
    expect(error.message).to.match(/^cannot look up the SRV records of _ssh\._tcp\.example\.org: ESERVFAIL$/);
  });

  it('asks for the service that the options name and goes by the route that they name', async () => {
    server.answers.set('_sftp-ssh._tcp.example.org', [record(0, 'a.example')]);
    const net = new FakeNet();
    (await net.dial({ ...ours, service: '_sftp-ssh._tcp', use: 'vpn' })).destroy();
    expect(net.tried).to.deep.equal(['vpn a.example:22']);
  });

  it('can be aborted during the look-up, at once and with the reason unchanged', async function () {
    this.timeout(15_000); // the look-up itself gives up after more than 20 s
    server.answers.set(NAME, 'silent');
    const net = new FakeNet();
    const asked = server.nextQuestion();
    const dialling = net.dial(ours).catch((error: unknown) => error);
    await asked;
    const reason = new Error('enough');
    net.controller.abort(reason);
    expect(await dialling).to.equal(reason);
    expect(net.tried).to.deep.equal([]);
  });

  it('tries no server once whoever listens has aborted, with records or without', async () => {
    for (const options of [found(record(1, 'a.example'), record(2, 'b.example')), found()]) {
      const net = new FakeNet();
      const reason = new Error('enough');
      const { push } = net.events;
      net.events.push = (...events) => {
        net.controller.abort(reason);
        return push.apply(net.events, events);
      };
      expect(await net.dial(options).catch((error: unknown) => error)).to.equal(reason);
      expect(net.tried).to.deep.equal([]);
    }
  });

  it('asks nothing for addresses and for names that are not DNS names', async () => {
    for (const host of ['192.0.2.1', '2001:db8::1', 'unix/run/x.sock']) {
      const net = new FakeNet();
      (await net.dial(ours, { host, port: 22 })).destroy();
      expect(net.tried).to.deep.equal([`forward ${host}:22`]);
    }
    expect(server.questions).to.deep.equal([]);
  });

  it('keeps every error', async () => {
    const net = new FakeNet('a.example', 'b.example');
    const error = await failure(net.dial(found(record(1, 'a.example', 1), record(2, 'b.example', 2))));
    expect([error.code, error.message, error.hint]).to.deep.equal([
      'unreachable',
      `none of the 2 servers of ${NAME} could be reached`,
      'check the port',
    ]);
    expect(error.attempts).to.deep.equal([
      { address: 'a.example:1', reason: 'connection refused' },
      { address: 'b.example:2', reason: 'connection refused' },
    ]);
    expect((error.cause as AggregateError).errors).to.have.length(2);
  });

  it("gives a single server's error as it is", async () => {
    const error = await failure(new FakeNet('a.example').dial(found(record(1, 'a.example'))));
    expect(error.message).to.equal('connection refused');
  });

  it('passes over what names no server', async () => {
    const net = new FakeNet('a.example');
    const names = ['-oProxyCommand=x', 'a b', 'a;id', '$(id)', 'unix/run/x', 'vsock%1'];
    const records = [...names.map((name) => record(1, name)), record(2, 'a.example', 0), record(4, '.')];
    const error = await failure(net.dial(found(...records)));
    expect([error.code, net.tried, error.attempts.length]).to.deep.equal(['protocol', [], 7]);
    (await net.dial(found(...records, record(9, 'b.example')))).destroy();
    expect(net.tried).to.deep.equal(['forward b.example:22']);
  });

  it('gives each server its limit', async () => {
    const net = new FakeNet();
    const options = { ...found(record(1, 'silent.example'), record(2, 'b.example')), timeout: 500 };
    const begun = net.nextDial();
    const dialling = net.dial(options);
    await begun;
    await net.clock.runAll();
    (await dialling).destroy();
    expect([net.clock.now(), net.tried.length, net.clock.pending]).to.deep.equal([500, 2, 0]);
  });

  it('can be aborted during a dial: no further server is tried, the reason is unchanged', async () => {
    for (const servers of [[record(1, 'silent.example'), record(2, 'b.example')], [record(1, 'silent.example')]]) {
      const net = new FakeNet();
      const begun = net.nextDial();
      const failed = net.dial({ ...found(...servers), timeout: 500 }).catch((error: unknown) => error);
      await begun;
      await net.clock.advance(100);
      const reason = new Error('enough');
      net.controller.abort(reason);
      expect(await failed).to.equal(reason);
      expect([net.tried, net.clock.pending]).to.deep.equal([['forward silent.example:22'], 0]);
    }
  });

  it('traces the look-up and the tries', async () => {
    const net = new FakeNet();
    (await net.dial(found(record(1, 'a.example', 443)))).destroy();
    expect(net.events).to.deep.equal([
      { event: 'look-up', host: NAME },
      { event: 'resolve', host: NAME, ms: 0, addresses: ['a.example:443'] },
      { event: 'try', route: 'a.example:443' },
      { event: 'try-connected', route: 'a.example:443', ms: 0 },
    ]);
  });

  it('needs a relay if its route does', async () => {
    const net = new FakeNet();
    const traits = async (options: SrvOptions): Promise<unknown> => {
      const dialer = await net.create(options);
      return [dialer.needsRelay?.(TARGET), dialer.tls?.(TARGET)];
    };
    expect(await traits({})).to.deep.equal([false, undefined]);
    expect(await traits({ use: 'tls' })).to.deep.equal([true, { by: 'process' }]);
  });

  it('refuses name servers that are not addresses when it is made', async () => {
    const error = await failure(new FakeNet().create({ servers: ['ns.example'] }));
    expect(error.message).to.equal('option "servers": not the address of a name server');
  });

  for (const options of [
    { service: 'ssh' },
    { servers: [] },
    { service: '_ssh._tcp.evil.example' },
    { service: '_s h._tcp' },
    { port: 1 },
  ]) {
    it(`refuses ${JSON.stringify(options)}`, async () => {
      const schema = await loadSchema(srv);
      expect((await schema?.['~standard'].validate(options))?.issues).to.have.length(1);
    });
  }
});
