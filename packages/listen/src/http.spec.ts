import { EventEmitter, once } from 'node:events';
import {
  Agent,
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestOptions,
  request,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Connection } from '@fdpass/core';
import { openConnection } from '@fdpass/core/sockets';
import { expectDescriptorsBack } from '@fdpass/test-lab';
import { readAll, type ScriptedServer, startScriptedServer } from '@fdpass/testkit';
import { expect } from 'chai';
import { type Lab, startLab, until } from './lab.spec.helper.js';

/** What a server has got, and what it says: of most requests the test looks at that. */
interface Seen {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly trailers: NodeJS.Dict<string>;
  readonly body: string;
}

type Handler = (incoming: IncomingMessage, response: ServerResponse) => void;

const URL_REQUEST = 'GET http://host.example/ HTTP/1.1\r\nHost: host.example\r\nConnection: close\r\n\r\n';

describe('requests with a URL through a proxy server', () => {
  let lab: Lab | undefined;
  const seen: Seen[] = [];
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const servers: { close(): unknown }[] = [];

  /** A real server, and a proxy through which every host name leads to it. */
  async function start(handler: Handler): Promise<Lab> {
    const server = createServer(handler);
    servers.push(server);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    return startWith((signal) => openConnection({ family: 4, host: '127.0.0.1', port }, {}, { signal }));
  }
  async function startWith(dial: (signal: AbortSignal) => Promise<Connection>): Promise<Lab> {
    lab = await startLab({ dial: (_, { signal }) => dial(signal) });
    return lab;
  }
  /** The same with a server that plays a script. */
  async function startScripted(answer: string, then: 'end' | 'reset' | 'stay' = 'end'): Promise<ScriptedServer> {
    const server = await startScriptedServer(async (line) => {
      await line.takeThrough('\r\n\r\n');
      await line.send(answer);
      if (then === 'reset') line.reset();
      if (then === 'end') line.end();
    });
    servers.push(server);
    await startWith((signal) => openConnection({ family: 4, host: '127.0.0.1', port: server.port }, {}, { signal }));
    return server;
  }
  const remember: Handler = async (incoming, response) => {
    const body = await text(incoming);
    const { method, url, headers, trailers } = incoming;
    seen.push({ method, url, headers, trailers, body });
    response.end('the answer');
  };
  async function ask(
    url: string,
    options: RequestOptions = {},
    send: (outgoing: ReturnType<typeof request>) => void = (outgoing) => outgoing.end(),
  ): Promise<IncomingMessage & { readonly body: string }> {
    const common = { host: '127.0.0.1', port: lab?.port, agent, setHost: false, maxHeaderSize: 64 * 1024 };
    const outgoing = request({ ...common, path: url, ...options });
    send(outgoing);
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
    return Object.assign(answer, { body: await text(answer) });
  }

  afterEach(async () => {
    agent.destroy();
    for (const server of servers.splice(0)) server.close();
    await lab?.close();
    seen.length = 0;
  });
  expectDescriptorsBack();

  it('reach the server that the URL names as it wants them, whatever else the client says', async () => {
    await start(remember);
    const answer = await ask('http://host.example:8080/a%20b/../c?d=%41&e', {
      headers: {
        Host: 'elsewhere.example',
        Accept: 'x',
        'X-Two': ['a', 'b'],
        Connection: 'keep-alive, X-Hop',
        'X-Hop': '1',
        'Proxy-Connection': 'keep-alive',
        'Proxy-Authorization': 'Basic c2VjcmV0',
        TE: 'trailers',
        Upgrade: 'h2c',
      },
    });
    expect([answer.statusCode, answer.body, answer.headers['via']]).to.deep.equal([200, 'the answer', '1.1 fdpass']);
    const [{ method, url, headers } = {} as Seen] = seen;
    expect([method, url]).to.deep.equal(['GET', '/a%20b/../c?d=%41&e']);
    expect(headers).to.deep.equal({
      host: 'host.example:8080',
      accept: 'x',
      'x-two': 'a, b',
      via: '1.1 fdpass',
      connection: 'close',
    });
  });

  /** Bodies, and how the server must get them. */
  const BODIES: Readonly<Record<string, readonly [method: string, headers: object, body: string, framing: string]>> = {
    'a body of a known length': ['POST', { 'Content-Length': 5 }, 'hello', 'length 5'],
    'a body in chunks': ['PUT', { 'Transfer-Encoding': 'chunked' }, 'hello', 'chunks'],
    'a body in chunks of a method that seldom has one': [
      'DELETE',
      { 'Transfer-Encoding': 'chunked' },
      'hello',
      'chunks',
    ],
    'no body where one is usual': ['POST', { 'Content-Length': 0 }, '', 'length 0'],
    'no body': ['GET', {}, '', 'nothing'],
  };
  for (const [what, [method, headers, body, framing]] of Object.entries(BODIES)) {
    it(`carry ${what}`, async () => {
      await start(remember);
      await ask('http://host.example/', { method, headers: { ...headers } }, (outgoing) => outgoing.end(body));
      const [got] = seen;
      const { 'content-length': length, 'transfer-encoding': encoding } = got?.headers ?? {};
      const how = encoding === 'chunked' ? 'chunks' : length === undefined ? 'nothing' : `length ${length}`;
      expect([got?.method, got?.body, how]).to.deep.equal([method, body, framing]);
    });
  }

  it('carry no body for a POST that says nothing of one', async () => {
    const { connect } = await start(remember);
    const client = connect('POST http://host.example/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    expect(String(await readAll(client))).to.match(/the answer/);
    expect(seen[0]?.headers['transfer-encoding']).to.equal(undefined);
  });

  it('wait for the server to ask for the body, if they say so', async () => {
    await start(remember);
    const order: string[] = [];
    const headers = { Expect: '100-continue', 'Content-Length': 5 };
    const answer = await ask('http://host.example/', { method: 'PUT', headers }, (outgoing) => {
      outgoing.flushHeaders();
      outgoing.once('continue', () => {
        order.push('continue');
        outgoing.end('hello');
      });
    });
    expect([answer.body, seen[0]?.body, order]).to.deep.equal(['the answer', 'hello', ['continue']]);
  });

  it('are answered at once if the server does not want their body, and the next one is served', async () => {
    await startScripted('HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno');
    const large = Buffer.alloc(3_000_000);
    const headers = { 'Content-Length': large.length };
    for (let round = 0; round < 2; round++) {
      const answer = await ask('http://host.example/', { method: 'PUT', headers }, (outgoing) => outgoing.end(large));
      expect([answer.statusCode, answer.body]).to.deep.equal([413, 'no']);
    }
    expect(lab?.proxy.clients).to.equal(1);
  });

  /** Answers of servers as they are, and how the client sees them. */
  const ANSWERS: Readonly<Record<string, readonly [method: string, answer: string, seen: object]>> = {
    'of a known length': [
      'GET',
      'HTTP/1.1 200 Fine\r\nContent-Length: 2\r\n\r\nhi',
      { statusMessage: 'Fine', body: 'hi' },
    ],
    'that ends with the connection': ['GET', 'HTTP/1.0 200 OK\r\n\r\nhi', { statusCode: 200, body: 'hi' }],
    'in chunks with trailers': [
      'GET',
      'HTTP/1.1 200 OK\r\nTrailer: X-T\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-T: yes\r\n\r\n',
      { body: 'hi', trailers: { 'x-t': 'yes' } },
    ],
    'to HEAD': ['HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n', { body: '', length: '200' }],
    'without content': ['GET', 'HTTP/1.1 204 No Content\r\n\r\n', { statusCode: 204, body: '' }],
    'of which the client has a copy': [
      'GET',
      'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n',
      { statusCode: 304, body: '' },
    ],
    'with fields for the proxy': [
      'GET',
      'HTTP/1.1 200 OK\r\nConnection: X-Hop, close\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: 0\r\n\r\n',
      { cookies: ['a', 'b'], hop: undefined, body: '' },
    ],
    'with a reason that no answer may have': [
      'GET',
      'HTTP/1.1 200 a\x01b\r\nContent-Length: 2\r\n\r\nhi',
      { statusCode: 200, statusMessage: 'OK', body: 'hi' },
    ],
    'with a long header': [
      'GET',
      `HTTP/1.1 200 OK\r\nX: ${'y'.repeat(30_000)}\r\nContent-Length: 2\r\n\r\nhi`,
      { statusCode: 200, body: 'hi' },
    ],
    'after others that are provisional': [
      'GET',
      'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi',
      { statusCode: 200, body: 'hi' },
    ],
  };
  for (const [what, [method, answer, wanted]] of Object.entries(ANSWERS)) {
    it(`bring back an answer ${what}`, async () => {
      await startScripted(answer);
      const { statusCode, statusMessage, headers, trailers, body } = await ask('http://host.example/', { method });
      const all = {
        statusCode,
        statusMessage,
        body,
        trailers,
        length: headers['content-length'],
        cookies: headers['set-cookie'],
        hop: headers['x-hop'],
      };
      expect(all).to.deep.include(wanted);
    });
  }

  it('can follow one another on a connection, to different hosts', async () => {
    const { proxy } = await start(remember);
    await ask('http://one.example/', { headers: { Host: 'one.example' } });
    await ask('http://other.example/', { headers: { Host: 'other.example' } });
    expect(seen.map(({ headers }) => headers.host)).to.deep.equal(['one.example', 'other.example']);
    expect(proxy.clients).to.equal(1);
  });

  it('can be sent before the answer to the one before', async () => {
    const { connect } = await start(remember);
    const one = 'GET http://one.example/ HTTP/1.1\r\nHost: x\r\n\r\n';
    const client = connect(one + URL_REQUEST);
    expect(String(await readAll(client)).match(/the answer/g)).to.have.length(2);
  });

  it('can be followed by CONNECT on the same connection', async () => {
    const { connect } = await start((_, response) => void response.end('first'));
    const client = connect('GET http://one.example/ HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(client, 'data');
    client.write('CONNECT one.example:80 HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(String((await once(client, 'data'))[0])).to.match(/^HTTP\/1.1 200 Connection established/);
    client.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    expect(String(await readAll(client))).to.match(/first/);
  });

  it('of clients that speak HTTP/1.0 are answered in their way', async () => {
    const { connect } = await start((_, response) => void response.end('answer'));
    const said = String(await readAll(connect('GET http://one.example/ HTTP/1.0\r\n\r\n')));
    expect(said).to.match(/\r\n\r\nanswer$/);
  });

  /** Requests as they are, and how the server must get them. */
  const FORWARDED: Readonly<Record<string, readonly [request: string, forwarded: RegExp]>> = {
    'the length of a body, though the client calls it a field for the proxy': [
      'GET http://x/ HTTP/1.1\r\nHost: x\r\nConnection: close, Content-Length\r\nContent-Length: 14\r\n\r\nGET /b HTTP/1.1',
      /^GET \/ HTTP\/1\.1\r\n(?:.+\r\n)*Content-Length: 14\r\n/,
    ],
    'OPTIONS for the server itself': [
      'OPTIONS http://x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
      /^OPTIONS \* /,
    ],
    'a query without a path': ['GET http://x?a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', /^GET \/\?a /],
    'an empty port': [
      'GET http://x:/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
      /^GET \/a HTTP\/1\.1\r\nHost: x:\r\n/,
    ],
    'every field of thousands': [
      `GET http://x/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${'a:\r\n'.repeat(2500)}Last: 1\r\n\r\n`,
      /\r\nLast: 1\r\n/,
    ],
  };
  for (const [what, [said, forwarded]] of Object.entries(FORWARDED)) {
    it(`carry ${what}`, async () => {
      let got = '';
      const server = await startScriptedServer(async (line) => {
        got = String(await line.takeThrough('\r\n\r\n'));
        await line.send('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
        line.end();
      });
      servers.push(server);
      const { connect } = await startWith((signal) =>
        openConnection({ family: 4, host: '127.0.0.1', port: server.port }, {}, { signal }),
      );
      expect(String(await readAll(connect(said)))).to.match(/^HTTP\/1\.1 200 /);
      expect(got).to.match(forwarded);
    });
  }

  it('are refused if their body has a transfer coding besides chunked, which would be lost on the way', async () => {
    const { ask: say } = await start(remember);
    const said = await say(
      'PUT http://x/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
    );
    expect(said).to.match(/^HTTP\/1\.1 501 /);
    expect(seen).to.deep.equal([]);
  });

  it('are forwarded one after the other, though they are sent at once', async () => {
    let underWay = 0;
    const order: string[] = [];
    const { connect } = await start((incoming, response) => {
      order.push(`${incoming.method} ${incoming.url} ${++underWay}`);
      setImmediate(() => {
        underWay--;
        response.end('the answer');
      });
    });
    const put = 'PUT http://x/one HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na';
    const client = connect(put + URL_REQUEST);
    expect(String(await readAll(client)).match(/the answer/g)).to.have.length(2);
    expect(order).to.deep.equal(['PUT /one 1', 'GET / 1']);
  });

  it('that wait are given up with their client', async () => {
    const { connect, proxy } = await start((_, response) => void response.writeHead(200).write('the beginning'));
    const client = connect(URL_REQUEST.replace('close', 'keep-alive') + URL_REQUEST);
    await once(client, 'data');
    client.destroy();
    await until(() => proxy.clients === 0);
  });

  it('that are too many before the first answer cut their client off', async () => {
    let count = 0;
    const { connect, proxy } = await start(() => count++);
    const client = connect(URL_REQUEST.replace('close', 'keep-alive').repeat(200));
    expect(String(await readAll(client))).to.equal('');
    await until(() => proxy.clients === 0);
    expect(count).to.be.below(2);
  });

  it('are answered to the end before the client hears that what follows is not a request', async () => {
    const goOn = new EventEmitter();
    const { connect } = await start((_, response) => {
      response.writeHead(200, { 'Content-Length': 8 }).write('half');
      goOn.once('go on', () => response.end('half'));
    });
    const client = connect(URL_REQUEST.replace('close', 'keep-alive'));
    const all = readAll(client);
    await once(client, 'data');
    client.write('SSH-2.0-x\r\n');
    client.write('\r\nand more');
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate); // it is read, and answered too early
    goOn.emit('go on');
    expect(String(await all)).to.match(/\r\n\r\nhalfhalfHTTP\/1\.1 400 .*neither/s);
  });

  it('are answered once if their body is broken', async () => {
    const { ask: say } = await start(remember);
    const said = await say(
      'PUT http://x/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nZZ\r\n',
    );
    expect(said.match(/HTTP\/1\.1 \d+/g)).to.deep.equal(['HTTP/1.1 400']);
    expect(said).to.match(/\(Invalid character in chunk size\)\n$/);
  });

  it('followed by CONNECT before their answer end the connection, which cannot carry both', async () => {
    const { connect, proxy, dialled } = await start(() => {});
    const client = connect(`${URL_REQUEST.replace('close', 'keep-alive')}CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n`);
    expect(String(await readAll(client))).to.equal('');
    await until(() => proxy.clients === 0);
    expect(dialled).to.deep.equal([]);
  });

  const BROKEN: Readonly<Record<string, readonly [answer: string, then: 'end' | 'reset', why: RegExp]>> = {
    'that is not one': ['SSH-2.0-x\r\n\r\n', 'end', /no valid answer came from host\.example: /],
    'that does not come': ['', 'end', /no valid answer came from host\.example: connection reset/],
    'in another protocol': [
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nx',
      'end',
      /no valid answer came from host\.example: the connection was closed/,
    ],
    'in a transfer coding besides chunked': [
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
      'end',
      /no valid answer came from host\.example: a transfer coding that nobody asked for/,
    ],
    'in place of which the connection breaks': [
      '',
      'reset',
      /no valid answer came from host\.example: connection reset/,
    ],
  };
  for (const [what, [answer, then, why]] of Object.entries(BROKEN)) {
    it(`get a 502 for an answer ${what}`, async () => {
      await startScripted(answer, then);
      const { statusCode, body } = await ask('http://host.example/');
      expect([statusCode, body]).to.satisfy(
        ([status, said]: [number, string]) => status === 502 && why.test(said),
        body,
      );
    });
  }

  it('are cut off if their answer breaks in the middle, so that nobody takes it for whole', async () => {
    for (const then of ['end', 'reset'] as const) {
      await startScripted('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n', then);
      const error = await ask('http://host.example/').catch((failed: Error) => failed);
      expect(error).to.have.property('code', 'ECONNRESET');
      await lab?.close();
    }
  });

  it('of a client that has gone are given up', async () => {
    const server = await startScripted('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi', 'stay');
    const client = lab?.connect(URL_REQUEST) as Socket;
    await once(client, 'data');
    client.destroy();
    await until(() => lab?.proxy.clients === 0);
    await until(() => server.connections() === 1);
  });
});
