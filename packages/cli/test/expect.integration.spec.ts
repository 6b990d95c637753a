import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { useSshd } from '@fdpass/test-lab';
import {
  type Script,
  type ScriptedServer,
  startScriptedServer,
  startSocksProxy,
  type TestProxy,
} from '@fdpass/testkit';
import { expect } from 'chai';
import { createDialer } from '../dist/index.js';
import { FDPASS_BIN, fdpass, fdrecv } from './commands.spec.helper.js';

/* What a server says first, by every kind of route and of hand-over. What is handed over has all of it. */

const BANNER = 'SSH-2.0-scripted server\r\nand the rest of its first words';
const OTHER_BANNER = 'SSH-2.0-the other server\r\n';

/** Sends what comes back to whoever sent it, until that ends. */
const echoing =
  (greet: Script): Script =>
  async (line) => {
    await greet(line);
    line.socket.end(await line.rest());
  };

/** Servers, and what is said of those that do not greet as ssh does. */
const SERVERS: Readonly<Record<string, readonly [script: Script, refusal?: RegExp]>> = {
  good: [echoing((line) => line.send(BANNER))],
  split: [echoing((line) => line.sendOneByOne(BANNER))],
  silent: [(line) => line.stall(), /\[timeout\] .*connected, but the server has not greeted within 300 ms;/],
  closed: [
    (line) => line.end(),
    /\[unreachable\] .*(the server closed the connection before it greeted|ended with status \d+ before anything came)/,
  ],
  HTTP: [
    async (line) => {
      await line.send('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
      line.end();
    },
    /\[protocol\] .*the server greeted with "HTTP\/1.1 400 Bad Request", not with "SSH-";/,
  ],
  'a TLS alert': [
    async (line) => {
      await line.send(Buffer.from('15030100020228', 'hex'));
      line.end();
    },
    /\[protocol\] .*the server greeted with "15 03 01 00 02 02 28" \(TLS\), not with "SSH-";/,
  ],
};

/** What a client got: all the bytes, and what was said if there were none. */
interface Got {
  readonly bytes: string;
  readonly stderr: string;
}

const PING = 'from the client';

const HANDOVERS: Readonly<Record<string, (config: string, port: string, env: NodeJS.ProcessEnv) => Promise<Got>>> = {
  'a descriptor': async (config, port, env) => {
    const command = ['--stdio', process.execPath, FDPASS_BIN, '--config', config, '127.0.0.1', port];
    const { stdout, stderr } = await fdrecv(command, { env, input: PING });
    return { bytes: stdout, stderr };
  },
  'a relay': async (config, port, env) => {
    const { stdout, stderr } = await fdpass(['--config', config, '--stdio', '127.0.0.1', port], { env, input: PING });
    return { bytes: stdout, stderr };
  },
  'a socket of a program': async (config, port) => {
    await using dialer = createDialer({ config });
    try {
      const socket = await dialer.dial({ host: '127.0.0.1', port });
      socket.end(PING);
      return { bytes: await text(socket), stderr: '' };
    } catch (error) {
      const { code, message } = error as { code: string; message: string };
      return { bytes: '', stderr: `[${code}] ${message};` };
    }
  },
};

describe('what a server says first', () => {
  const { sshd, env } = useSshd();
  const servers = new Map<string, ScriptedServer>();
  let proxy: TestProxy;

  before(async () => {
    for (const [name, [script]] of Object.entries(SERVERS)) servers.set(name, await startScriptedServer(script));
    servers.set('other', await startScriptedServer(echoing((line) => line.send(OTHER_BANNER))));
    proxy = await startSocksProxy();
    writeFileSync(join(sshd().folder, 'jump_config'), sshd().configBlock('bastion'));
  });
  after(async () => {
    for (const server of servers.values()) await server.close();
    await proxy?.close();
  });

  const portOf = (name: string): number => servers.get(name)?.port ?? 0;
  const other = () => ({ strategy: 'direct', port: portOf('other') });

  const ROUTES: Readonly<Record<string, () => unknown>> = {
    direct: () => 'direct',
    'a jump host': () => ({ jump: { hosts: ['bastion'], sshOptions: ['-F', 'jump_config'] } }),
    'a SOCKS proxy': () => `socks5h://127.0.0.1:${proxy.port}`,
    'first-of': () => ({ firstOf: ['direct', other()] }),
    race: () => ({ race: { routes: ['direct', other()], stagger: '30s' } }),
  };

  function writeConfig(name: string, rule: object): string {
    const file = join(sshd().folder, name);
    writeFileSync(file, JSON.stringify({ rules: [rule] }), { mode: 0o600 });
    return file;
  }

  for (const [route, use] of Object.entries(ROUTES)) {
    for (const [handover, take] of Object.entries(HANDOVERS)) {
      it(`${route}, ${handover}`, async () => {
        const results = Object.entries(SERVERS).map(async ([name, [, refusal]]) => {
          const expectTimeout = name === 'silent' ? '300ms' : '15s';
          const file = `${route}-${handover}-${name}.json`.replaceAll(' ', '-');
          const config = writeConfig(file, { use: use(), expect: 'SSH-', expectTimeout });
          return { name, refusal, got: await take(config, String(portOf(name)), env) };
        });
        const isChoice = route === 'first-of' || route === 'race';
        for (const { name, refusal, got } of await Promise.all(results)) {
          const banner = refusal === undefined ? BANNER : isChoice ? OTHER_BANNER : undefined;
          expect(got.bytes, `${name}: ${got.stderr}`).to.equal(banner === undefined ? '' : banner + PING);
          if (banner === undefined) expect(got.stderr, name).to.match(refusal ?? /^$/);
        }
      });
    }
  }

  it('not a byte is sent to a server that is only looked at', () => {
    const said = [...servers].flatMap(([, { received }]) => received.map(String));
    expect(new Set(said)).to.deep.equal(new Set(['', PING]));
  });
});
