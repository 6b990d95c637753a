import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import { type AddressInfo, Socket } from 'node:net';
import { constants } from 'node:os';
import { text } from 'node:stream/consumers';
import { expectNoDescriptorLeft, openDescriptors } from '@fdpass/test-lab';
import { refusedPort, startSocksProxy, type TestProxy } from '@fdpass/testkit';
import { expect } from 'chai';
import { type ConnectionDialer, createDialer, dial } from '../dist/index.js';

const HOST = '127.0.0.1';

describe('what a dialer has for programs', () => {
  let server: http.Server;
  let url: string;
  let proxy: TestProxy;
  let dialer: ConnectionDialer;
  let openBefore: readonly string[];
  before(async () => {
    server = http.createServer((request, response) => void request.pipe(response));
    server.keepAliveTimeout = 300_000; // what a client keeps is closed by itself alone
    await once(server.listen(0, HOST), 'listening');
    url = `http://web.example:${(server.address() as AddressInfo).port}/`;
    proxy = await startSocksProxy({ hosts: { 'web.example': HOST } });
  });
  beforeEach(() => {
    openBefore = openDescriptors();
    dialer = createDialer(`socks5h://${HOST}:${proxy.port}`);
  });
  afterEach(async () => {
    await dialer.close();
    await expectNoDescriptorLeft(openBefore);
  });
  after(async () => {
    server.closeAllConnections();
    server.close();
    await proxy.close();
  });

  it('connect gives a net.Socket at once', async () => {
    const { connect } = dialer; // can be passed on by itself
    const heard: string[] = [];
    const socket = connect(Number(new URL(url).port), 'web.example', () => heard.push('listener'));
    expect(socket).to.be.instanceOf(Socket);
    expect(socket.connecting).to.equal(true);
    socket.end('POST / HTTP/1.0\r\nContent-Length: 4\r\n\r\nbody');
    expect(await text(socket)).to.match(/body$/);
    expect(heard).to.deep.equal(['listener']);
    expect(() => connect({ port: 0 })).to.throw(TypeError, 'there is no port');
  });

  it('fetch is the global one, and close ends what it keeps', async () => {
    const { fetch } = dialer;
    const response = await fetch(url, { method: 'POST', body: 'by a string' });
    expect(response).to.be.instanceOf(Response);
    expect(await response.text()).to.equal('by a string');
    const again = await fetch(new Request(url, { method: 'POST', body: 'by a request' }));
    expect(await again.text()).to.equal('by a request');
    expect(proxy.asked.filter((asked) => url.includes(asked)).length, 'the connection is kept').to.be.below(4);
  });

  it('dispatcher has the options of undici', async () => {
    const dispatcher = dialer.dispatcher({ pipelining: 0 });
    const response = await fetch(url, { method: 'POST', body: 'words', dispatcher } as RequestInit);
    expect(await response.text()).to.equal('words');
    await (dispatcher as unknown as { close(): Promise<void> }).close();
  });

  it('agent serves http and https, each with its own port', async () => {
    const agent = dialer.agent({ keepAlive: true });
    for (const body of ['one', 'two']) {
      const request = http.request(url, { agent, method: 'POST' }).end(body);
      const [response] = (await once(request, 'response')) as [http.IncomingMessage];
      expect(await text(response)).to.equal(body);
    }
    const before = proxy.asked.length;
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    const requests = [
      http.get('http://none.example/', { agent }),
      https.get('https://none.example/', { agent }),
      https.get({ host: 'none.example', agent }),
      https.get('https://none.example:80/', { agent }),
    ];
    Error.stackTraceLimit = stackTraceLimit;
    await Promise.all(requests.map((request) => once(request, 'error')));
    const ports = proxy.asked.slice(before).map((asked) => asked.replace('none.example:', ''));
    expect(ports.toSorted()).to.deep.equal(['443', '443', '80', '80']);
    expect(requests.map((request) => request.getHeader('host'))).to.deep.equal([
      'none.example',
      'none.example',
      'none.example',
      'none.example:80',
    ]);
    agent.destroy();
  });

  it('dial is a function too', async () => {
    const socket = await dial(`web.example:${new URL(url).port}`, { via: `socks5h://${HOST}:${proxy.port}` });
    socket.end('POST / HTTP/1.0\r\nContent-Length: 4\r\n\r\nonce');
    expect(await text(socket)).to.match(/once$/);
  });

  it('tell why there is no connection, in a way that programs test for', async () => {
    const port = await refusedPort();
    const dead = createDialer(`socks5h://${HOST}:${port}`);
    const why = { code: 'unreachable', errno: -constants.errno.ECONNREFUSED, syscall: 'connect', address: HOST, port };
    const agent = dead.agent();
    const failures = {
      dial: await dead.dial('web.example:80').catch((error: unknown) => error),
      connect: (await once(dead.connect(80, 'web.example'), 'error'))[0],
      agent: (await once(http.get(url, { agent }), 'error'))[0],
      fetch: ((await dead.fetch(url).catch((error: unknown) => error)) as Error).cause,
    };
    for (const [name, error] of Object.entries(failures)) {
      expect(error, name)
        .to.include(why)
        .with.property('cause')
        .that.includes({ ...why, code: 'ECONNREFUSED' });
    }
    await dead.close();
  });
});
