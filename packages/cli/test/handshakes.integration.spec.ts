import type { Duplex } from 'node:stream';
import { makeTarget } from '@fdpass/core';
import { exitCodeOf, loadFramework } from '@fdpass/core/host';
import { expectNoDescriptorLeft, openDescriptors } from '@fdpass/test-lab';
import { type Script, type ScriptedLine, startScriptedServer } from '@fdpass/testkit';
import { expect } from 'chai';
import { BUILTIN } from '../dist/builtin.js';
import { FDPASS_BIN, fdpass, fdrecv } from './commands.spec.helper.js';

/*
 * Every scripted case x both protocols x every way of handing over. The proxies are scripted, since real ones won't do
 * these things on demand; `strategy-socks` and `strategy-http-connect` have the finer tables.
 */

const BANNER = 'SSH-2.0-banner\r\nand more';

interface Protocol {
  readonly scheme: string;
  /** Takes the request and gives the bytes of a success reply. */
  readonly accept: (line: ScriptedLine) => Promise<string>;
  readonly refusal: string;
  readonly refusalCode: number;
}

const PROTOCOLS: Readonly<Record<string, Protocol>> = {
  SOCKS5: {
    scheme: 'socks5h',
    async accept(line) {
      await line.take(3);
      await line.send('\x05\x00');
      const length = (await line.take(5))[4] ?? 0;
      await line.take(length + 2);
      return '\x05\x00\x00\x03\x04host\x00\x16';
    },
    refusal: '\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00',
    refusalCode: 77,
  },
  CONNECT: {
    scheme: 'http',
    async accept(line) {
      await line.takeThrough('\r\n\r\n');
      return 'HTTP/1.1 200 Connection established\r\nX-Note: folded\r\n  line\r\n\r\n';
    },
    refusal: 'HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno',
    refusalCode: 77,
  },
};

/** After the tunnel stands: echoes what the client says, until it ends. */
async function echo(line: ScriptedLine): Promise<void> {
  line.socket.end(await line.rest());
}

interface Case {
  readonly script: (protocol: Protocol) => Script;
  /** The exit code; 0: the tunnel works. */
  readonly code: (protocol: Protocol) => number;
  /** Of the whole dial. Default: long enough for a slow machine. */
  readonly timeoutMs?: number;
}

const works = (deliver: (line: ScriptedLine, reply: string) => Promise<void>): Case => ({
  script:
    ({ accept }) =>
    async (line) => {
      await deliver(line, await accept(line));
      await echo(line);
    },
  code: () => 0,
});

const fails = (
  code: number | ((protocol: Protocol) => number),
  act: (line: ScriptedLine, protocol: Protocol) => Promise<void> | void,
): Case => ({
  script: (protocol) => async (line) => {
    await protocol.accept(line);
    await act(line, protocol);
  },
  code: (protocol) => (typeof code === 'number' ? code : code(protocol)),
});

const CASES: Readonly<Record<string, Case>> = {
  'the banner in the same segment': works((line, reply) => line.send(reply + BANNER)),
  'one byte at a time': works((line, reply) => line.sendOneByOne(reply + BANNER)),
  'the reply cut in two, the banner behind': works(async (line, reply) => {
    await line.send(reply.slice(0, 7));
    await new Promise(setImmediate);
    await line.send(reply.slice(7) + BANNER);
  }),
  'a refusal': fails(
    ({ refusalCode }) => refusalCode,
    (line, { refusal }) => line.send(refusal),
  ),
  'closed at once': fails(69, (line) => line.end()),
  'closed in the middle': fails(65, async (line, { scheme }) => {
    await line.send(scheme === 'http' ? 'HTTP/1.1 2' : '\x05\x00\x00');
    line.end();
  }),
  reset: fails(69, (line) => line.reset()),
  garbage: fails(65, (line) => line.send('\x99\x98garbage that is neither')),
  '64 KiB without an end': fails(65, async (line, { scheme }) => {
    await line
      .send(scheme === 'http' ? `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(70_000)}` : 'x'.repeat(70_000))
      .catch(() => {});
  }),
  silence: { ...fails(75, (line) => line.stall()), timeoutMs: 500 },
};

interface Outcome {
  readonly code: number;
  readonly received: string;
  readonly stderr: string;
}

/** The three ways of handing over; each says `ping` and gives all that came back. */
const HANDOVERS: Readonly<Record<string, (url: string, timeoutMs: number) => Promise<Outcome>>> = {
  descriptor: async (url, timeoutMs) => {
    const words = [process.execPath, FDPASS_BIN, '--timeout', `${timeoutMs}ms`, '--via', url, 'host', '22'];
    const { status, stdout, stderr } = await fdrecv(['--stdio', ...words], { input: 'ping' });
    const passed = /ended with status (\d+)/.exec(stderr)?.[1];
    return { code: passed === undefined ? (status ?? -1) : Number(passed), received: stdout, stderr };
  },
  relay: async (url, timeoutMs) => {
    const words = ['--timeout', `${timeoutMs}ms`, '--via', url, 'host', '22'];
    const { status, stdout, stderr } = await fdpass(words, { input: 'ping' });
    return { code: status ?? -1, received: stdout, stderr };
  },
  embedded: async (url, timeoutMs) => {
    const { router } = await loadFramework({
      strategies: BUILTIN,
      defaultStrategy: 'happy-eyeballs',
      config: false,
    });
    const target = makeTarget({ host: 'host', port: 22 });
    try {
      const connection = await router.dial(await router.routeVia(target, [url], '/'), { timeoutMs });
      return { code: 0, received: await talk(connection.toStream()), stderr: '' };
    } catch (error) {
      return { code: exitCodeOf(error), received: '', stderr: String(error) };
    }
  },
};

async function talk(stream: Duplex): Promise<string> {
  stream.end('ping');
  let text = '';
  for await (const chunk of stream) text += (chunk as Buffer).toString('latin1');
  stream.destroy(); // its other half may be open, and Node 24 leaves it so
  return text;
}

for (const [name, protocol] of Object.entries(PROTOCOLS)) {
  for (const [handover, dial] of Object.entries(HANDOVERS)) {
    describe(`${name}, handed over as ${handover}`, () => {
      for (const [what, { script, code, timeoutMs = 10_000 }] of Object.entries(CASES)) {
        it(what, async () => {
          const before = openDescriptors();
          const proxy = await startScriptedServer(script(protocol));
          try {
            const outcome = await dial(`${protocol.scheme}://127.0.0.1:${proxy.port}`, timeoutMs);
            const isWorking = code(protocol) === 0;
            expect(outcome.code, outcome.stderr).to.equal(code(protocol));
            expect(outcome.received).to.equal(isWorking ? `${BANNER}ping` : '');
            if (!isWorking && handover !== 'embedded')
              expect(outcome.stderr).to.match(/^fdpass: \[[a-z-]+\] host:22: --via: [^\n]+\n/);
          } finally {
            await proxy.close();
          }
          await expectNoDescriptorLeft(before);
        });
      }
    });
  }
}
