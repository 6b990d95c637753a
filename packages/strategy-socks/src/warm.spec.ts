import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { type Prepared, type StandbyRequest, systemClock } from '@fdpass/core';
import { KeptConnections } from '@fdpass/core/host';
import { expectDescriptorsBack } from '@fdpass/test-lab';
import { contextOf, networkChain, refusalOf, streamOf, testHost } from '@fdpass/testkit';
import { expect } from 'chai';
import { type SocksOptions, socks } from './index.js';

const TARGET = { host: 'host.example', port: 22 };
const GRANTED = Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]);

/** Tells how many it has made. */
class CountedConnections extends KeptConnections {
  made = 0;

  override take<T>(request: StandbyRequest<T>): Prepared<T> | undefined {
    const open = async (signal: AbortSignal): Promise<Prepared<T>> => {
      const prepared = await request.open(signal);
      this.made++;
      return prepared;
    };
    return super.take({ ...request, open });
  }
}

describe('a SOCKS hop with connections in advance', () => {
  let server: Server;
  let kept: CountedConnections;
  /** What has been said on each connection, in the order in which they came. */
  let said: string[][];
  let clients: Socket[];
  before(async () => {
    server = createServer((client) => {
      const words: string[] = [];
      said.push(words);
      clients.push(client);
      client.on('error', () => {}).on('data', (bytes) => answer(client, bytes, words));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  after(() => server.close());
  beforeEach(() => {
    kept = new CountedConnections(systemClock);
    [said, clients] = [[], []];
  });
  afterEach(() => {
    kept.clear();
    for (const client of clients) client.destroy();
  });
  expectDescriptorsBack();

  /** A proxy that wants user name and password if they are offered. */
  function answer(client: Socket, bytes: Buffer, words: string[]): void {
    const isGreeting = words.length === 0;
    const wantsPassword = isGreeting && bytes.includes(2, 2);
    words.push(isGreeting ? 'greeting' : bytes[0] === 1 ? 'password' : 'request');
    if (isGreeting) client.write(Buffer.from([5, wantsPassword ? 2 : 0]));
    else client.write(bytes[0] === 1 ? Buffer.from([1, 0]) : GRANTED);
  }

  async function dial(options: Partial<SocksOptions> = {}, scheme = 'socks5h', userInfo = ''): Promise<void> {
    const { port } = server.address() as { port: number };
    const all = { url: `${scheme}://${userInfo}127.0.0.1:${port}`, warm: 1, ...options };
    const host = testHost({ forward: networkChain, isFirst: true, standby: kept });
    const dialer = await socks.create(all, host);
    streamOf(await dialer.dial(TARGET, contextOf())).destroy();
  }

  /** Until so many connections have been made in advance, and the last one is kept. */
  async function untilMade(connections: number): Promise<void> {
    while (kept.made < connections) await new Promise(setImmediate);
    await new Promise(setImmediate);
  }

  it('sends the request alone on one that has been greeted', async () => {
    await dial();
    await untilMade(1);
    expect(said).to.have.deep.members([['greeting', 'request'], ['greeting']]);
    await dial();
    await untilMade(2);
    expect(said).to.have.deep.members([['greeting', 'request'], ['greeting', 'request'], ['greeting']]);
  });

  it('sends the password when there is a target to send it for', async () => {
    await dial({}, 'socks5h', 'me:hush@');
    await untilMade(1);
    const whole = ['greeting', 'password', 'request'];
    expect(said).to.have.deep.members([whole, ['greeting']]);
    const waiting = said.find(({ length }) => length === 1);
    await dial({}, 'socks5h', 'me:hush@');
    expect(waiting).to.deep.equal(whole);
  });

  it('does not use one that was greeted without a password for one with it', async () => {
    await dial();
    await untilMade(1);
    const waiting = said.find(({ length }) => length === 1);
    await dial({}, 'socks5h', 'me:hush@');
    expect(waiting).to.deep.equal(['greeting']);
    expect(said).to.deep.include(['greeting', 'password', 'request']);
  });

  it('makes a new one when the proxy closes at the request', async () => {
    await dial();
    await untilMade(1);
    for (const client of clients) client.removeAllListeners('data').once('data', () => client.destroy());
    await dial();
    expect(said.filter((words) => words.includes('request'))).to.have.length(2);
  });

  it('refuses them behind other hops', async () => {
    const create = async (): Promise<never> =>
      socks.create({ url: 'socks5h://127.0.0.1', warm: 2 }, testHost({ forward: networkChain })) as never;
    expect(await refusalOf(create())).to.match(/option "warm": only the first hop/);
  });
});
