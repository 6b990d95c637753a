import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run, temporaryFolder } from '@fdpass/test-lab';
import { refusedPort, startHttpProxy, startSocksProxy, type TestProxy } from '@fdpass/testkit';
import { expect } from 'chai';

const PROGRAM = fileURLToPath(new URL('without-koffi.spec.helper.js', import.meta.url));
const HOST = '127.0.0.1';

describe('the library where koffi cannot be loaded', () => {
  const folder = temporaryFolder();
  const path = join(folder.path, 'socket');
  const servers: Server[] = [];
  const proxies: TestProxy[] = [];
  let port: number;

  before(async () => {
    for (const where of [{ port: 0, host: HOST }, { path }]) {
      // Greets, echoes until the end, and closes.
      const server = createServer((socket) => socket.on('error', () => {}).pipe(socket));
      server.on('connection', (socket) => socket.write('hello '));
      await new Promise<void>((resolve) => servers.push(server.listen(where, resolve)));
    }
    ({ port } = Object(servers[0]?.address()) as { port: number });
    proxies.push(await startSocksProxy(), await startHttpProxy());
  });
  after(async () => {
    for (const proxy of proxies) await proxy.close();
    for (const server of servers) await new Promise((resolve) => server.close(resolve));
    folder.remove();
  });

  /** Each route, and what comes of it. All are dialled by one program. */
  const routes = async (): Promise<readonly (readonly [what: string, use: unknown, result: string | RegExp])[]> => {
    const [socks, http] = proxies.map((proxy) => proxy.port);
    const echoed = 'hello and goodbye';
    return [
      ['direct', 'direct', echoed],
      ['Happy Eyeballs', 'happy-eyeballs', echoed],
      ['SOCKS', `socks5h://${HOST}:${socks}`, echoed],
      ['HTTP CONNECT', `http://${HOST}:${http}`, echoed],
      ['a chain', [`socks5h://${HOST}:${socks}`, `http://${HOST}:${http}`], echoed],
      ['a race', { race: [`socks5h://${HOST}:${socks}`, 'direct'] }, echoed],
      ['a unix socket', { strategy: 'local', path }, echoed],
      ['options that Node has', { strategy: 'direct', keepAlive: true, noDelay: true }, echoed],
      ['an option of the kernel', { strategy: 'direct', dscp: 46 }, /^config: .*option "dscp" needs koffi/],
      ['an option that is off', { strategy: 'direct', multipath: false }, echoed],
      ['a virtual machine', { strategy: 'local', cid: 3 }, /^config: .*needs koffi/],
      ['a command', { strategy: 'command', command: ['cat'] }, /^internal: .*cannot load koffi: not built for/],
      ['nobody', { strategy: 'direct', host: HOST, port: await refusedPort() }, /^unreachable: .*connection refused/],
    ];
  };

  it('dials by every route that needs no system call, and says what needs one', async () => {
    const expected = await routes();
    const dials = expected.map(([, use]) => ({ use, host: HOST, port }));
    const { status, stdout, stderr } = await run(process.execPath, [PROGRAM, JSON.stringify(dials)]);
    expect([status, stderr]).to.deep.equal([0, '']);
    const results = JSON.parse(stdout) as { said: string; loads: number }[];
    for (const [index, [what, , result]] of expected.entries()) {
      if (typeof result === 'string') expect(results[index]?.said, what).to.equal(result);
      else expect(results[index]?.said, what).to.match(result);
    }
    const [first, second] = results.map(({ loads }) => loads);
    expect([first !== 0, second], 'koffi is looked for once').to.deep.equal([true, 0]);
  });
});
