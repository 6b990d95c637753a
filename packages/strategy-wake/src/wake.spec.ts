import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import {
  type Connection,
  type ErrorCode,
  FdpassError,
  formatError,
  type Strategy,
  type TraceEvent,
} from '@fdpass/core';
import { loadFramework, type Router, TOKENS } from '@fdpass/core/host';
import { StreamConnection } from '@fdpass/core/sockets';
import { expectDescriptorsBack, temporaryFolder } from '@fdpass/test-lab';
import { VirtualClock } from '@fdpass/testkit';
import { expect } from 'chai';
import { wake } from './wake.js';

/* Real packets and programs; a network of which the test says what it answers, and a clock that it moves. */

const MAC = '00:11:22:33:44:55';
const MAGIC = 'ff'.repeat(6) + '001122334455'.repeat(16);

type Answer = ErrorCode | 'ssh' | 'closes' | 'hangs';

/** What hears the packets that a network card listens for. */
class Ear {
  readonly heard: string[] = [];
  readonly #socket: Socket;
  /** What happens when a packet comes. */
  onPacket: () => void = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket.on('message', (packet) => {
      this.heard.push(packet.toString('hex'));
      this.onPacket();
    });
  }

  static async listen(address = '127.0.0.1', port = 0): Promise<Ear> {
    const socket = createSocket('udp4').bind(port, address);
    await once(socket, 'listening');
    return new Ear(socket);
  }

  get port(): number {
    return this.#socket.address().port;
  }

  close(): void {
    this.#socket.close();
  }
}

describe('wake', () => {
  const folder = temporaryFolder();
  let clock: VirtualClock;
  let ear: Ear;
  let events: TraceEvent[];
  let startedAt: number[];
  let hanging: number;
  let answer: () => Answer;
  let streams: PassThrough[];
  let controller: AbortController;

  before(async () => {
    ear = await Ear.listen();
  });
  after(() => {
    ear.close();
    folder.remove();
  });
  beforeEach(() => {
    clock = new VirtualClock();
    ear.heard.length = 0;
    ear.onPacket = () => {};
    events = [];
    startedAt = [];
    hanging = 0;
    streams = [];
    answer = () => 'ssh';
    controller = new AbortController();
  });
  afterEach(() => {
    expect([clock.pending, streams.filter(({ destroyed }) => !destroyed)]).to.deep.equal([0, []]);
  });
  expectDescriptorsBack();

  const net: Strategy = {
    name: 'net',
    firstOnly: true,
    create: () => ({
      async dial(_, { signal }) {
        startedAt.push(clock.now());
        const now = answer();
        if (now === 'hangs') {
          hanging++;
          return new Promise((_resolve, reject) => {
            const end = (): void => {
              hanging--;
              reject(signal.reason);
            };
            signal.addEventListener('abort', end, { once: true });
          });
        }
        if (now !== 'ssh' && now !== 'closes') throw new FdpassError(now, `it is ${now}`);
        const stream = new PassThrough();
        streams.push(stream);
        if (now === 'ssh') stream.write('SSH-2.0-x\r\n');
        else stream.end();
        return new StreamConnection(stream, { clock });
      },
    }),
  };

  /** Magic packets that only we hear. */
  const packets = () => ({ mac: MAC, broadcast: '127.0.0.1', port: ear.port });

  async function routerOf(options: object, rule: object = {}): Promise<Router> {
    const config = {
      content: { rules: [{ use: ['net', { wake: options }], ...rule }] },
      baseDir: realpathSync(folder.path),
    };
    const { router } = await loadFramework(
      { strategies: [net, wake as Strategy], defaultStrategy: 'net', config },
      (container) => {
        container.register(TOKENS.clock, { useValue: clock });
      },
    );
    return router;
  }

  /** Dials, and lets time pass until that is over. */
  async function dial(options: object, rule: object = {}): Promise<Connection> {
    const router = await routerOf(options, rule);
    const route = await router.route({ host: 'nas.example', port: 2222 });
    const dialling = router.dial(route, { signal: controller.signal, trace: (event) => void events.push(event) });
    return letTimePass(dialling);
  }

  /**
   * Until it is over. Only while a dial hangs or the next try is waited for: packets and programs take real time, as does the
   * loading of what sends and runs them.
   */
  async function letTimePass<T>(dialling: Promise<T>): Promise<T> {
    let isOver = false;
    const over = (): void => {
      isOver = true;
    };
    dialling.then(over, over);
    while (!isOver) {
      await new Promise(setImmediate);
      if (isWaiting()) await clock.advance(100);
    }
    return dialling;
  }

  const named = (name: string): TraceEvent[] => events.filter(({ event }) => event === name);
  const isWaiting = (): boolean =>
    hanging > 0 || (named('retry').length === startedAt.length && ear.heard.length >= named('sent').length);

  async function failure(options: object, rule: object = {}): Promise<FdpassError> {
    const error = await dial(options, rule).then(
      () => new Error('did not fail'),
      (reason: unknown) => reason,
    );
    expect(error).to.be.instanceOf(FdpassError);
    return error as FdpassError;
  }

  /** A host that boots in this time once a packet has come. */
  function bootsIn(ms: number, asleep: Answer = 'unreachable'): void {
    let upAt = Number.POSITIVE_INFINITY;
    ear.onPacket = () => {
      upAt = Math.min(upAt, clock.now() + ms);
    };
    answer = () => (clock.now() < upAt ? asleep : 'ssh');
  }

  it('leaves a host alone that is awake', async () => {
    (await dial(packets())).destroy();
    expect([startedAt, ear.heard, named('retry')]).to.deep.equal([[0], [], []]);
  });

  for (const asleep of ['unreachable', 'unknown-host'] as const) {
    it(`wakes a host that is ${asleep}, which boots in ten seconds`, async () => {
      bootsIn(10_000, asleep);
      (await dial(packets())).destroy();
      expect(clock.now()).to.be.within(10_000, 11_100);
      expect(new Set(ear.heard)).to.deep.equal(new Set([MAGIC]));
      expect(ear.heard).to.have.length(startedAt.length - 1);
      expect(named('sent')[0]).to.deep.include({ text: `a magic packet for ${MAC} to 127.0.0.1:${ear.port}` });
      expect(named('retry')[0]).to.deep.include({ reason: `it is ${asleep}`, inMs: 1000, tries: 1 });
    });
  }

  it('gives each try five seconds, and waits for one between them', async () => {
    bootsIn(10_000, 'hangs');
    (await dial(packets())).destroy();
    expect(startedAt).to.deep.equal([0, 6000, 12_000, 18_000]);
  });

  it('takes other times for that', async () => {
    bootsIn(3000, 'hangs');
    (await dial({ ...packets(), timeout: '2s', interval: '500ms' })).destroy();
    expect(startedAt).to.deep.equal([0, 2500, 5000]);
  });

  it('wakes every card, at every address', async () => {
    const other = await Ear.listen('127.0.0.2', ear.port);
    bootsIn(500);
    (await dial({ mac: [MAC, '66-77-88-99-aa-bb'], broadcast: ['127.0.0.1', '127.0.0.2'], port: ear.port })).destroy();
    while (other.heard.length < 2) await new Promise(setImmediate);
    other.close();
    const wanted = [MAGIC, 'ff'.repeat(6) + '66778899aabb'.repeat(16)];
    expect([new Set(ear.heard), other.heard]).to.deep.equal([new Set(wanted), wanted]);
  });

  it('runs a program once, which is told the target, and waits for the host', async () => {
    answer = () => (startedAt.length < 4 ? 'unreachable' : 'ssh');
    const command = ['sh', '-c', 'echo "$0 $1" >> ran; echo starting', '%h', '%p'];
    (await dial({ command })).destroy();
    expect(readFileSync(join(folder.path, 'ran'), 'utf8')).to.equal('nas.example 2222\n');
    expect(events.flatMap((event) => (event.event === 'output' ? event.text : []))).to.deep.equal(['starting']);
    expect([startedAt.length, ear.heard]).to.deep.equal([4, []]);
  });

  it('ends when the program fails', async () => {
    answer = () => 'unreachable';
    const error = await failure({ command: ['sh', '-c', 'echo no credit; exit 1'] });
    expect(formatError(error)).to.match(/ rule 1 \(.*\): wake: "sh" ended with status 1: no credit$/);
    expect(startedAt).to.have.length(1);
  });

  for (const code of ['permission', 'protocol', 'config'] as const) {
    it(`wakes nobody after an error of the kind ${code}`, async () => {
      answer = () => code;
      expect((await failure(packets())).message).to.equal(`it is ${code}`);
      expect([startedAt, ear.heard]).to.deep.equal([[0], []]);
    });

    it(`ends with an error of the kind ${code} while it waits`, async () => {
      answer = () => (startedAt.length < 3 ? 'unreachable' : code);
      expect((await failure(packets())).message).to.equal(`it is ${code}`);
      expect(startedAt).to.have.length(3);
    });
  }

  const GIVEN_UP: readonly (readonly [what: string, options: () => object, hint: RegExp])[] = [
    ['packets', packets, /; check "mac" and "broadcast", and that Wake-on-LAN is on in its firmware and its system$/],
    ['a program', () => ({ command: ['true'] }), /; see whether the command has started it, or raise "within"$/],
  ];
  for (const [what, options, hint] of GIVEN_UP) {
    it(`gives up when its time is over, woken by ${what}`, async () => {
      answer = () => 'unreachable';
      const error = await failure({ ...options(), within: '20s' });
      expect([error.code, clock.now()]).to.deep.equal(['timeout', 20_000]);
      expect(formatError(error))
        .to.contain('timed out after 20 s: it does not wake up, and the last try failed: it is unreachable')
        .and.match(hint);
    });
  }

  it('takes a server that closes for one that boots, if a greeting is expected', async () => {
    answer = () => (startedAt.length < 3 ? 'closes' : 'ssh');
    (await dial(packets(), { expect: 'SSH-' })).destroy();
    expect([startedAt.length, ear.heard.length]).to.deep.equal([3, 2]);
  });

  it('has more time than other dials, which explain tells too', async () => {
    const router = await routerOf(packets());
    const route = await router.route({ host: 'nas.example', port: 22 });
    const { timeoutMs, decisions, route: hops } = await router.explain(route);
    expect([route.timeoutMs, timeoutMs]).to.deep.equal([125_000, 125_000]);
    expect(decisions).to.deep.equal([
      `wake: sends a magic packet for ${MAC} to 127.0.0.1:${ear.port} if nobody answers`,
    ]);
    expect(hops.at(-1)?.options).to.deep.equal(packets());
  });

  for (const [what, limit, tries] of [
    ['between two tries', 3000, 3],
    ['in the first try, and then wakes nobody', 3000, 1],
    ['in another try', 8000, 2],
  ] as const) {
    it(`ends at the limit of the rule, ${what}`, async () => {
      answer = () => (tries === 3 ? 'unreachable' : 'hangs');
      const router = await routerOf(packets());
      const route = await router.route({ host: 'h', port: 1 });
      const trace = (event: TraceEvent): void => void events.push(event);
      const error = await letTimePass(router.dial(route, { timeoutMs: limit, trace })).catch((caught) => caught);
      expect([error.code, clock.now()]).to.deep.equal(['timeout', limit]);
      expect([startedAt.length, ear.heard.length]).to.deep.equal([tries, tries === 3 ? 3 : tries - 1]);
    });
  }

  it('ends with the dial at any moment, whose reason is passed on', async () => {
    for (const at of [0, 500, 4999, 5000, 5500, 6000, 8000]) {
      answer = () => 'hangs';
      controller = new AbortController();
      startedAt = [];
      events = [];
      const reason = new Error(`enough at ${at}`);
      clock.after(at, () => controller.abort(reason));
      const error = await dial(packets()).catch((caught: unknown) => caught);
      expect(error).to.equal(reason);
      expect(clock.pending).to.equal(0);
      while (ear.heard.length < named('sent').length) await new Promise(setImmediate);
      ear.heard.length = 0;
    }
  });

  const WRONG: readonly (readonly [what: string, options: unknown, message: RegExp])[] = [
    ['nothing that wakes it', {}, /needs "mac" or "command": what wakes the host/],
    [
      'what is not the address of a card',
      { mac: 'hush' },
      /: option "mac": must be the address of a network card, such as 00:11:/,
    ],
    ['no card', { mac: [] }, /: option "mac": must be the address of a network card, such as 00:11:/],
    [
      'a name as broadcast address',
      { mac: MAC, broadcast: 'lan.example' },
      /: option "broadcast": must be an address, such as/,
    ],
    ['a port that is not one', { mac: MAC, port: 0 }, /: option "port": must be a port from 1 to 65535/],
    ['an unknown token', { command: ['wake', '%x'] }, /: option "command": has an unknown token: use %h, %p, /],
    ['no time', { mac: MAC, within: 0 }, /: option "within": must be longer than 0/],
    ['an unknown key', { macs: MAC }, /macs/],
  ];
  for (const [what, options, message] of WRONG) {
    it(`refuses ${what}`, async () => {
      const router = await routerOf(options as object);
      const error = await router.route({ host: 'h', port: 1 }).catch((caught: Error) => caught);
      expect((error as Error).message).to.match(message);
    });
  }

  it('is short for the address of a card', async () => {
    const router = await routerOf([MAC] as never);
    expect((await router.explain(await router.route({ host: 'h', port: 1 }))).route.at(-1)?.options).to.deep.equal({
      mac: [MAC],
    });
  });
});
