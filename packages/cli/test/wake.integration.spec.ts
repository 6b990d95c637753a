import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { requireLab, runInLab, temporaryFolder, useSshd } from '@fdpass/test-lab';
import { refusedPort } from '@fdpass/testkit';
import { expect } from 'chai';
import { FDPASS_BIN, FDRECV_BIN, NO_CONFIG, proxyCommand } from './commands.spec.helper.js';

const MAC = '02:00:5e:10:00:01';
const MAGIC = 'ff'.repeat(6) + MAC.replaceAll(':', '').repeat(16);

describe('a session with a host that sleeps', () => {
  const { sshd, env } = useSshd();
  let card: UdpSocket;
  let host: Server;
  let hostPort: number;
  let heard: string[];

  beforeEach(async () => {
    heard = [];
    hostPort = await refusedPort();
    host = createServer((socket) => {
      const inner = connect(sshd().port, '127.0.0.1').on('error', () => socket.destroy());
      inner
        .on('close', () => socket.destroy())
        .pipe(socket.on('error', () => inner.destroy()))
        .pipe(inner);
    });
    card = createSocket('udp4');
    card.on('message', (packet) => {
      heard.push(packet.toString('hex'));
      // It hears the second packet only, and takes a moment.
      if (heard.length === 2) setImmediate(() => host.listen(hostPort, '127.0.0.1'));
    });
    await once(card.bind(0, '127.0.0.1'), 'listening');
  });
  afterEach(() => {
    card.close();
    host.close();
  });

  function writeConfig(options: object): string {
    const file = join(sshd().folder, 'wake.json');
    const use = [{ strategy: 'direct', port: hostPort }, { wake: { interval: '50ms', ...options } }];
    writeFileSync(file, JSON.stringify({ rules: [{ use }] }), { mode: 0o600 });
    return file;
  }

  const session = (config: string) =>
    sshd().ssh(
      'echo awake',
      { ProxyCommand: proxyCommand('--config', config), ProxyUseFdpass: 'yes' },
      { env: { ...NO_CONFIG, ...env }, host: '127.0.0.1' },
    );

  it('begins when its magic packets have woken it', async () => {
    const config = writeConfig({ mac: MAC, broadcast: '127.0.0.1', port: card.address().port });
    const { status, stdout, stderr } = await session(config);
    expect([status, stdout], stderr).to.deep.equal([0, 'awake\n']);
    expect(new Set(heard)).to.deep.equal(new Set([MAGIC]));
    expect(heard.length).to.be.greaterThan(1);
  });

  it('begins when a program has woken it, whose words are on stderr', async () => {
    const packets = `const socket = require('node:dgram').createSocket('udp4');
console.log('waking', process.argv[1]);
for (const text of ['one', 'two']) socket.send(text, Number(process.argv[2]), '127.0.0.1');
setTimeout(() => socket.close(), 100);`;
    const command = [process.execPath, '-e', packets, '%h', String(card.address().port)];
    const { status, stdout, stderr } = await session(writeConfig({ command }));
    expect([status, stdout], stderr).to.deep.equal([0, 'awake\n']);
    expect(stderr).to.contain('waking 127.0.0.1\n');
    expect(heard.map((hex) => String(Buffer.from(hex, 'hex')))).to.have.members(['one', 'two']);
  });
});

/** Another machine: it has no server until a magic packet has come to the broadcast address of its network. */
const HOST = `
const socket = require('node:dgram').createSocket('udp4').bind(9);
socket.on('message', (packet) => {
  if (packet.toString('hex') !== '${MAGIC}') return;
  socket.close();
  require('node:net').createServer((client) => client.on('error', () => {}).end('SSH-2.0-awake\\r\\n')).listen(22);
});`;

/** A network of two machines, of which this one is in another network too. */
const TWO_MACHINES = `
ip link add net0 type veth peer name card
ip addr add 198.51.100.1/28 dev net0
ip link set net0 up
unshare --net sh -c 'until ip addr add 198.51.100.2/28 broadcast 198.51.100.15 dev card; do :; done 2>/dev/null
  ip link set card up; exec "$0" "$@"' "$NODE" -e "$HOST" &
while ip link show card; do ip link set card netns $!; done >/dev/null 2>&1 # it may not have its own network yet
until ip link show net0 | grep -q 'state UP'; do :; done
"$@"
status=$?
kill $!
exit $status`;

describe('magic packets', () => {
  const folder = temporaryFolder();
  before(function () {
    requireLab(this);
  });
  after(() => folder.remove());

  function fdpassInLab(script: string, options: object): ReturnType<typeof runInLab> {
    const config = join(folder.path, 'config.json');
    const use = ['direct', { wake: { mac: MAC, interval: '50ms', ...options } }];
    writeFileSync(config, JSON.stringify({ rules: [{ use }] }), { mode: 0o600 });
    const words = [
      FDRECV_BIN,
      '--stdio',
      process.execPath,
      FDPASS_BIN,
      '-vv',
      '--config',
      config,
      '198.51.100.2',
      '22',
    ];
    const env = { ...NO_CONFIG, NODE: process.execPath, HOST };
    return runInLab({}, ['sh', '-c', script, 'sh', process.execPath, ...words], { env, input: '' });
  }

  it('reach another machine by the broadcast address of the network', async () => {
    const { status, stdout, stderr } = await fdpassInLab(TWO_MACHINES, {});
    expect([status, stdout], stderr).to.deep.equal([0, 'SSH-2.0-awake\r\n']);
    expect(stderr).to.contain(`> a magic packet for ${MAC} to 198.51.100.15:9`);
  });

  it('that cannot be sent say why', async () => {
    const { status, stderr } = await fdpassInLab('"$@"', {});
    expect(stderr).to.match(/wake: cannot send a magic packet to 255\.255\.255\.255:9: network unreachable/);
    expect(status).to.equal(69);
  });
});
