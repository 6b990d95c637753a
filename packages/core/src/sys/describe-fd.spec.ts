import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { connect, createServer, type NetConnectOpts, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { describeFd, isUnixSocket } from './descriptors.js';
import { loadSys } from './koffi.js';
import { formatFdAddress } from './sockaddr.js';
import type { Sys } from './sys.js';

const fdOf = (socket: Socket): number => (socket as unknown as { _handle: { fd: number } })._handle.fd;

describe('describing descriptors', () => {
  let sys: Sys;
  const folder = mkdtempSync(join(tmpdir(), 'fdpass-info-'));
  before(async () => {
    sys = loadSys();
  });
  after(() => rmSync(folder, { recursive: true }));

  async function connected(
    where: NetConnectOpts,
    listen: object,
    check: (client: Socket, accepted: Socket) => void,
  ): Promise<void> {
    const server = createServer().listen(listen);
    await once(server, 'listening');
    const address = server.address();
    const client = connect(typeof address === 'object' && address !== null ? { ...where, port: address.port } : where);
    const [[accepted]] = (await Promise.all([once(server, 'connection'), once(client, 'connect')])) as [
      [Socket],
      unknown,
    ];
    try {
      check(client, accepted);
    } finally {
      client.destroy();
      accepted.destroy();
      server.close();
    }
  }

  for (const [family, host] of [
    ['inet', '127.0.0.1'],
    ['inet6', '::1'],
  ] as const) {
    it(`tells ${family} with both addresses`, async function () {
      await connected({ host, port: 0 }, { host, port: 0 }, (client, accepted) => {
        const local = { address: host, port: client.localPort };
        const peer = { address: host, port: client.remotePort };
        expect(describeFd(fdOf(client), sys)).to.deep.equal({ family, type: 'stream', local, peer });
        expect(describeFd(fdOf(accepted), sys)).to.deep.equal({ family, type: 'stream', local: peer, peer: local });
        expect(isUnixSocket(fdOf(client), sys)).to.equal(false);
      }).catch((error: NodeJS.ErrnoException) =>
        error.code === 'EADDRNOTAVAIL' ? this.skip() : Promise.reject(error),
      );
    });
  }

  it('tells unix sockets by path, abstract ones with @', async function () {
    const path = join(folder, 'socket');
    await connected({ path }, { path }, (client, accepted) => {
      expect(describeFd(fdOf(client), sys)).to.deep.equal({ family: 'unix', type: 'stream', peer: { path } });
      expect(describeFd(fdOf(accepted), sys)).to.deep.equal({ family: 'unix', type: 'stream', local: { path } });
      expect(isUnixSocket(fdOf(client), sys)).to.equal(true);
    });
    if (process.platform !== 'linux') this.skip();
    const name = `\0fdpass-${process.pid}`;
    await connected({ path: name }, { path: name }, (client) => {
      expect(describeFd(fdOf(client), sys)).to.have.deep.property('peer', { path: `@fdpass-${process.pid}` });
    });
  });

  it('tells unnamed pairs and sockets that are not connected', () => {
    const [one, other] = sys.socketpair();
    const lone = sys.socket(2, 2, 0);
    expect(describeFd(one, sys)).to.deep.equal({ family: 'unix', type: 'stream' });
    expect(describeFd(lone, sys)).to.deep.equal({
      family: 'inet',
      type: 'dgram',
      local: { address: '0.0.0.0', port: 0 },
    });
    for (const fd of [one, other, lone]) sys.close(fd);
  });

  it('fails on what is not a socket', () => {
    const fd = openSync('/dev/null', 'r');
    expect(() => describeFd(fd, sys))
      .to.throw()
      .with.property('code', 'ENOTSOCK');
    expect(isUnixSocket(fd, sys)).to.equal(false);
    closeSync(fd);
    expect(() => describeFd(fd, sys))
      .to.throw()
      .with.property('code', 'EBADF');
  });

  it('writes addresses', () => {
    expect(formatFdAddress({ address: '::1', port: 22 })).to.equal('[::1]:22');
    expect(formatFdAddress({ address: 'fe80::1', port: 22, scope: 3 })).to.equal('[fe80::1%3]:22');
    expect(formatFdAddress({ cid: 3, port: 22 })).to.equal('vsock:3:22');
    expect(formatFdAddress({ path: '@name' })).to.equal('@name');
  });
});
