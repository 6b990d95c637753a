/*
 * A program that knows nothing of fdpass. It connects in every way that Node has, each to a host of its own, and prints as JSON
 * what came of each. The servers answer every request with its path.
 */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import net, { connect as importedConnect } from 'node:net';
import { text } from 'node:stream/consumers';
import tls from 'node:tls';
import { Worker } from 'node:worker_threads';

export interface Servers {
  readonly plain: number;
  readonly secure: number;
  readonly plain2: number;
  readonly secure2: number;
  readonly path: string;
  readonly ca: string;
}

const { plain, secure, plain2, secure2, path, ca } = JSON.parse(process.argv[2] ?? '') as Servers;
const REQUEST = 'GET /body HTTP/1.0\r\n\r\n';

async function ask(socket: net.Socket): Promise<string> {
  socket.write(REQUEST);
  return (await text(socket)).split('\r\n\r\n')[1] ?? '';
}

function get(request: http.ClientRequest): Promise<string> {
  return new Promise((resolve, reject) => {
    request.once('error', reject).once('response', (response) => text(response).then(resolve, reject));
    request.end();
  });
}

async function get2(session: http2.ClientHttp2Session): Promise<string> {
  const body = await text(session.request({ ':path': '/body' }));
  session.close();
  return body;
}

/** Reads the body in a worker. */
async function inWorker(worker: Worker): Promise<string> {
  const [response] = (await once(worker, 'message')) as [string];
  await worker.terminate();
  return response.split('\r\n\r\n')[1] ?? response;
}

const codeFor = (host: string): string => `
  const { connect } = require('node:net');
  const { text } = require('node:stream/consumers');
  const socket = connect(${plain}, ${JSON.stringify(host)}).on('error', () => {});
  socket.write(${JSON.stringify(REQUEST)});
  text(socket).catch(String).then((body) => require('node:worker_threads').parentPort.postMessage(body));`;

/** A class of options, whose values are its prototype's. */
class Options {
  readonly #host: string;
  constructor(host: string) {
    this.#host = host;
  }
  get host(): string {
    return this.#host;
  }
  get port(): string {
    return String(plain);
  }
}

const trust = { ca, checkServerIdentity: () => undefined };

/** Each connects to the host that it is given. */
const WAYS: Readonly<Record<string, (host: string) => Promise<string>>> = {
  'port-and-host': (host) => ask(net.connect(plain, host)),
  'imported-by-name': (host) => ask(importedConnect(plain, host)),
  options: (host) => ask(net.createConnection({ host, port: plain, family: 4 })),
  'options-of-a-class': (host) => ask(net.connect(new Options(host) as unknown as net.TcpNetConnectOpts)),
  listener: (host) =>
    new Promise(
      (done) =>
        void net.connect(plain, host, function (this: net.Socket) {
          done(ask(this));
        }),
    ),
  'a-lookup-of-its-own': (host) =>
    ask(net.connect({ host, port: plain, lookup: (_host, _options, done) => done(new Error('asked'), []) })),
  'new-socket': (host) => ask(new net.Socket().connect(plain, host)),
  tls: (host) => ask(tls.connect({ host, port: secure, ...trust })),
  'tls-over-a-socket-that-connects': (host) => ask(tls.connect({ socket: net.connect(secure, host), ...trust })),
  http: (host) => get(http.request(`http://${host}:${plain}/body`)),
  'http-without-agent': (host) => get(http.request(`http://${host}:${plain}/body`, { agent: false })),
  https: (host) => get(https.request(`https://${host}:${secure}/body`, trust)),
  http2: (host) => get2(http2.connect(`http://${host}:${plain2}`)),
  'http2-over-tls': (host) => get2(http2.connect(`https://${host}:${secure2}`, trust)),
  fetch: async (host) => (await fetch(`http://${host}:${plain}/body`)).text(),
  worker: (host) => {
    const file = `${path}.cjs`;
    writeFileSync(file, codeFor(host));
    return inWorker(new Worker(file));
  },
  'worker-by-text': (host) => inWorker(new Worker(codeFor(host), { eval: true })),
  'a-lookup-that-is-needed': async () => {
    let calls = 0;
    const body = await ask(
      net.connect({
        ...{ host: 'only.here', port: plain },
        lookup(_host, _options, done) {
          calls += 1;
          done(null, '127.0.0.1', 4);
        },
      }),
    );
    return calls === 1 ? body : `${calls} calls`;
  },
  'unix-socket': () => ask(net.connect(path)),
  'unix-socket-in-options': () => ask(net.connect({ path })),
  'unix-socket-beside-a-port': () =>
    ask(net.connect({ path, port: plain, host: 'none.example' } as net.IpcNetConnectOpts)),
  'connected-already': async () => {
    const [near, far] = await pair();
    far.pipe(far);
    near.end('/body');
    return text(near);
  },
};

async function pair(): Promise<readonly [net.Socket, net.Socket]> {
  const server = net.createServer({ allowHalfOpen: true }).listen(`${path}.pair`);
  await once(server, 'listening');
  const near = net.connect(`${path}.pair`);
  const [far] = (await once(server, 'connection')) as [net.Socket];
  server.close();
  return [near, far];
}

const results: Record<string, string> = {};
for (const [name, way] of Object.entries(WAYS)) {
  results[name] = await way(`${name}.example`).catch((error: Error) => String(error.cause ?? error));
}
console.log(JSON.stringify(results));
