import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { appendFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { type Connection, makeTarget, type TraceEvent } from '@fdpass/core';
import { describeFd, loadSys } from '@fdpass/core/sockets';
import {
  type Background,
  describeInMachine,
  expectNoDescriptorLeft,
  openDescriptors,
  requirePeers,
  startServer,
  temporaryFolder,
} from '@fdpass/test-lab';
import { expect } from 'chai';
import { builtinFramework } from '../dist/command-framework.js';
import { fdpass } from './commands.spec.helper.js';

/** Words for tc(8), and for ip(8). */
const tc = (line: string): unknown => execFileSync('tc', line.split(' '), { timeout: 10_000 });
const ip = (line: string): unknown => execFileSync('ip', line.split(' '), { timeout: 10_000 });

const hash = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** Traffic control (netem) is a part of kernels that people have, and seldom of those that tests run on. */
describeInMachine('a link', import.meta.url, {}, () => {
  const echo = createServer({ allowHalfOpen: true }, (socket) => socket.on('error', () => {}).pipe(socket));
  const port = (): number => (echo.address() as AddressInfo).port;
  let opened: string[];

  before(async () => {
    appendFileSync('/etc/hosts', '127.0.0.1 both.example\n::1 both.example\n');
    await once(echo.listen(0, '::'), 'listening');
  });
  after(() => void echo.close());
  beforeEach(() => {
    opened = openDescriptors();
  });
  afterEach(() => tc('qdisc del dev lo root'));

  async function dial(host: string, use: unknown, events: TraceEvent[] = []): Promise<Connection> {
    const { router } = await builtinFramework({ content: { rules: [{ use }] }, baseDir: '/' });
    const route = await router.route(makeTarget({ host, port: port() }));
    return router.dial(route, { trace: (event) => void events.push(event) });
  }

  describe('that delays IPv6 alone', () => {
    beforeEach(() => {
      tc('qdisc add dev lo root handle 1: prio');
      tc('qdisc add dev lo parent 1:3 handle 30: netem delay 20s');
      tc('filter add dev lo protocol ipv6 parent 1: prio 1 u32 match ip6 dst ::/0 flowid 1:3');
    });

    it('loses the race to IPv4', async () => {
      const events: TraceEvent[] = [];
      const connection = await dial('both.example', 'happy-eyeballs', events);
      const { peer } = describeFd(connection.descriptor ?? -1, loadSys());
      expect(peer).to.deep.equal({ address: '127.0.0.1', port: port() });
      const cancelled = events.flatMap((event) => (event.event === 'attempt-cancelled' ? [event.address] : []));
      expect(cancelled).to.deep.equal([`[::1]:${port()}`]);
      connection.destroy();
      await expectNoDescriptorLeft(opened);
    });
  });

  describe('that is slow and loses, repeats and reorders packets', () => {
    const folder = temporaryFolder();
    const running: Background[] = [];
    const urls: Record<string, string> = {};
    const data = randomBytes(40_000);
    before(async function () {
      const { microsocks = '', tinyproxy = '' } = requirePeers(this, 'microsocks', 'tinyproxy');
      const socks = await startServer(microsocks, (own) => ['-i', '127.0.0.1', '-p', String(own)]);
      const http = await startServer(tinyproxy, (own) => {
        const file = join(folder.path, 'tinyproxy.conf');
        writeFileSync(file, `Port ${own}\nListen 127.0.0.1\nTimeout 60\n`);
        return ['-d', '-c', file];
      });
      running.push(socks, http);
      Object.assign(urls, { socks: `socks5h://127.0.0.1:${socks.port}`, http: `http://127.0.0.1:${http.port}` });
    });
    after(async () => {
      for (const server of running) await server.close();
      folder.remove();
    });
    // Packets of 500 bytes, so that replies come in pieces.
    beforeEach(() => {
      ip('link set lo mtu 540');
      tc('qdisc add dev lo root netem delay 4ms 3ms loss 2% duplicate 2% reorder 20% 50%');
    });

    for (const hop of ['socks', 'http']) {
      it(`loses no byte of a connection through a proxy (${hop})`, async () => {
        const connection = await dial('127.0.0.1', urls[hop]);
        const [echoed] = await Promise.all([connection.read(data.length, 'the echo'), connection.write(data)]);
        expect(hash(echoed)).to.equal(hash(data));
        connection.destroy();
        await expectNoDescriptorLeft(opened);
      });
    }

    it('loses no byte of a relay', async () => {
      const { status, stdout, stderr } = await fdpass(['--stdio', '127.0.0.1', String(port())], { input: data });
      expect([status, hash(Buffer.from(stdout, 'latin1')), stderr]).to.deep.equal([0, hash(data), '']);
    });
  });
});
