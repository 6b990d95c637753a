import { createHash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatError, makeTarget, type TraceEvent } from '@fdpass/core';
import { describeFd, loadSys } from '@fdpass/core/sockets';
import {
  type Background,
  describeInMachine,
  expectNoDescriptorLeft,
  findProgram,
  openDescriptors,
  requireModule,
  requirePeers,
  run,
  startServer,
  temporaryFolder,
  useSshd,
} from '@fdpass/test-lab';
import { expect } from 'chai';
import { builtinFramework } from '../dist/command-framework.js';
import { carriers, carriersCommand, SSH_ALONE } from './carriers.spec.helper.js';
import { FDPASS_BIN, NO_CONFIG, proxyCommand } from './commands.spec.helper.js';

/** This machine itself, by the kernel's vsock_loopback. */
const CID = 1;
/** Nobody else listens on vsock in a machine of our own. */
const SSH_PORT = 2222;
const ECHO_PORT = 7;
/** In an emulated processor. */
const LIMIT_MS = 180_000;

/** Sockets of virtual machines, over the kernel's loopback for them. Hypervisors differ only in who is at the other end. */
describeInMachine('vsock', import.meta.url, {}, () => {
  const { sshd, env } = useSshd();
  const folder = temporaryFolder();
  const running: Background[] = [];
  let socksPort: number;

  before(async function () {
    this.timeout(LIMIT_MS);
    const { socat = '', microsocks = '' } = requirePeers(this, 'socat', 'microsocks');
    requireModule(this, 'vsock_loopback');
    /** Serves vsock; its own port says that it is ready. */
    const serve = async (port: number, what: string): Promise<void> => {
      const ready = (own: number): string[] => [
        '-c',
        `'${socat}' -d -d VSOCK-LISTEN:${port},fork '${what}' & exec '${socat}' TCP-LISTEN:${own},bind=127.0.0.1,fork /dev/null`,
      ];
      running.push(await startServer('/bin/sh', ready));
    };
    await serve(SSH_PORT, `EXEC:"${findProgram('sshd')} -i -f ${join(sshd().folder, 'sshd_config')}",nofork`);
    await serve(ECHO_PORT, 'EXEC:cat');
    const socks = await startServer(microsocks, (port) => ['-i', '127.0.0.1', '-p', String(port)]);
    running.push(socks);
    socksPort = socks.port;
    await serve(socksPort, `TCP:127.0.0.1:${socksPort}`);
    writeFileSync(join(folder.path, 'config.yaml'), 'rules: [{ use: local }]\n', { mode: 0o600 });
  });
  after(async () => {
    for (const server of running) await server.close();
    folder.remove();
  });

  it('gives ssh the descriptor, whose other end a sshd has', async () => {
    const ProxyCommand = proxyCommand('--config', join(folder.path, 'config.yaml'));
    const { status, stdout, stderr } = await sshd().ssh(
      carriersCommand(env),
      { ProxyCommand, ProxyUseFdpass: 'yes', Port: SSH_PORT },
      { host: `vsock/${CID}`, env, timeoutMs: LIMIT_MS },
    );
    expect([status, carriers(stdout), stderr], stderr).to.deep.equal([0, SSH_ALONE, '']);
  }).timeout(LIMIT_MS);

  it('is what is passed of a connection through a proxy behind it, which is dialled once', async () => {
    const opened = openDescriptors();
    const use = [{ strategy: 'local', cid: CID }, `socks5h://guest.example:${socksPort}`];
    const { router } = await builtinFramework({ content: { rules: [{ use }] }, baseDir: '/' });
    const route = await router.route(makeTarget({ host: '127.0.0.1', port: sshd().port }));
    expect(route.chain.needsRelay(route.target)).to.equal(false);
    const events: TraceEvent[] = [];
    const connection = await router.dial(route, { trace: (event) => void events.push(event) });
    const { family, peer } = describeFd(connection.descriptor ?? -1, loadSys());
    expect([family, peer]).to.deep.equal(['vsock', { cid: CID, port: socksPort }]);
    expect(events.filter(({ event }) => event === 'connected')).to.have.length(1);
    expect(String(await connection.read(4, 'the greeting'))).to.equal('SSH-'); // none of it was read ahead
    connection.destroy();
    await expectNoDescriptorLeft(opened);
  });

  it('loses no byte of a relay whose reader is slow', async () => {
    const data = randomBytes(2 << 20);
    writeFileSync(join(folder.path, 'data'), data);
    const relay = `'${process.execPath}' '${FDPASS_BIN}' --config '${folder.path}/config.yaml' --stdio vsock/${CID} ${ECHO_PORT}`;
    const script = `${relay} <'${folder.path}/data' | dd bs=64 2>/dev/null | sha256sum`;
    const { stdout, stderr } = await run('/bin/sh', ['-c', script], {
      env: { ...NO_CONFIG, ...env },
      timeoutMs: LIMIT_MS,
    });
    expect([stdout.split(' ')[0], stderr]).to.deep.equal([createHash('sha256').update(data).digest('hex'), '']);
  }).timeout(LIMIT_MS);

  const REFUSED: Readonly<Record<string, RegExp>> = {
    [`vsock/${CID}`]: /no virtual machine with CID 1 listens on port 9.*; check that its sshd listens on vsock/,
    'vsock/77': /no virtual machine with CID 77/,
    'machine/guest': /write vsock\/CID with the VSockCID/,
  };
  for (const [host, said] of Object.entries(REFUSED)) {
    it(`says why ${host} cannot be reached, and leaves nothing open`, async () => {
      const opened = openDescriptors();
      const { router } = await builtinFramework({ content: { rules: [{ use: 'local' }] }, baseDir: '/' });
      const dial = router.route(makeTarget({ host, port: 9 })).then((route) => router.dial(route));
      expect(await dial.then(String, formatError)).to.match(said);
      await expectNoDescriptorLeft(opened);
    });
  }
});
