import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expectDescriptorsBack, makePipe } from '@fdpass/test-lab';
import { expect } from 'chai';
import type { Connection } from '../connection/connection.js';
import { adoptFd } from '../connection/descriptor-stream.js';
import { openConnection } from '../connection/open.js';
import { readToEnd } from '../connection/socket-pair.spec.helper.js';
import { needsRelayListener } from '../dial/context.js';
import type { DialContext, Dialer } from '../dial/dialer.js';
import { TOKENS } from '../framework/framework.js';
import { loadFramework } from '../framework/load-framework.js';
import { FdpassError, formatError } from '../ground/errors.js';
import { HandClock } from '../ground/hand-clock.spec.helper.js';
import { makeTarget } from '../ground/read-target.js';
import { caught } from '../ground/rejection.spec.helper.js';
import type { Target } from '../ground/target.js';
import type { TraceEvent } from '../ground/trace.js';
import type { Strategy } from '../strategy/strategy.js';
import { recvFd } from '../sys/descriptors.js';
import { loadSys } from '../sys/koffi.js';
import type { Channel, Handover } from './channel.js';
import { type HandOverOptions, handOver, type RelayRequest } from './hand-over.js';

const TARGET = makeTarget({ host: 'host.example', port: 22 });

describe('the hand-over', () => {
  const sys = loadSys();
  let server: Server;
  const accepted: Socket[] = [];
  const open: number[] = [];
  before(async () => {
    server = createServer({ allowHalfOpen: true }, (socket) => {
      accepted.push(socket);
      socket.on('error', () => {}).write('hello ');
      socket.pipe(socket);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
  });
  after(() => server.close());
  afterEach(() => {
    for (const socket of accepted.splice(0)) socket.destroy();
    for (const fd of open.splice(0)) sys.close(fd);
  });
  expectDescriptorsBack();

  /** A socketpair as ssh gives it to its ProxyCommand, and the caller's end. */
  function channel(as: Handover = 'descriptor'): { channel: Channel; caller: number } {
    const [ours, caller] = sys.socketpair();
    open.push(ours, caller);
    return { channel: { input: ours, output: ours, as }, caller };
  }

  const connect: Dialer['dial'] = (_, { signal }) => {
    const { port } = server.address() as { port: number };
    return openConnection({ family: 4, host: '127.0.0.1', port }, {}, { signal });
  };
  const notRelayed = (): Promise<Connection> => Promise.reject(new Error('no relay was wanted'));

  async function give(to: Channel, dialer: Dialer, options: Partial<HandOverOptions> = {}): Promise<Handover> {
    const strategy = { name: 'net', firstOnly: true, create: () => dialer };
    const { router } = await loadFramework({ strategies: [strategy], defaultStrategy: 'net', config: false });
    return handOver(to, await router.route(TARGET), router, { relayed: notRelayed, ...options });
  }

  it('gives the receiver the whole connection, blocking, and keeps nothing', async () => {
    const { channel: to, caller } = channel();
    const events: TraceEvent[] = [];
    expect(await give(to, { dial: connect }, { trace: (event) => void events.push({ ...event }) })).to.equal(
      'descriptor',
    );
    const fd = await recvFd(caller);
    expect(sys.isNonBlocking(fd)).to.equal(false);
    const received = adoptFd(fd, sys);
    received.end('and goodbye');
    expect(await text(received)).to.equal('hello and goodbye');
    received.destroy();
    expect(events.at(-1)).to.have.property('peer', `127.0.0.1:${(server.address() as { port: number }).port}`);
  });

  it('lets another process dial again for what has no descriptor', async () => {
    const { channel: to, caller } = channel();
    const relayed: RelayRequest[] = [];
    const stream = new PassThrough();
    const options = {
      timeoutMs: 5000,
      relayed: async (request: RelayRequest): Promise<Connection> => {
        relayed.push(request);
        return connect(TARGET, { signal: request.signal, trace: () => {} }) as Promise<Connection>;
      },
    };
    await give(to, { dial: () => Promise.resolve(stream) }, options);
    expect(stream.destroyed).to.equal(true);
    expect(relayed.map(({ timeoutMs }) => timeoutMs > 0 && timeoutMs <= 5000)).to.deep.equal([true]);
    sys.close(await recvFd(caller));
  });

  describe("of a dial whose TLS can be the kernel's", () => {
    const relayed = ({ signal }: RelayRequest): Promise<Connection> =>
      connect(TARGET, { signal, trace: () => {} }) as Promise<Connection>;

    it('lets another process dial when it turns out that a relay is needed, says why, and takes no other route', async () => {
      const { channel: to, caller } = channel();
      const events: TraceEvent[] = [];
      const taken: string[] = [];
      const kernel: Dialer['dial'] = (target, context) => {
        taken.push('kernel');
        needsRelayListener(context)?.('the kernel has no such cipher');
        needsRelayListener(context)?.('and no other');
        return connect(target, context);
      };
      const other: Dialer['dial'] = (target, context) => {
        taken.push('other');
        return connect(target, context);
      };
      const strategies: Strategy[] = [
        { name: 'kernel', firstOnly: true, create: () => ({ dial: kernel }) },
        { name: 'other', firstOnly: true, create: () => ({ dial: other }) },
        {
          name: 'either',
          async create(_, host) {
            const chains = await Promise.all(['kernel', 'other'].map((name) => host.route(name)));
            const candidates = (target: Target) =>
              chains.map((chain) => ({ label: chain.label, open: (inner: DialContext) => chain.dial(target, inner) }));
            const lost = (): FdpassError => new FdpassError('unreachable', 'none works');
            return { dial: (target, context) => host.race(candidates(target), { of: 'route', lost }, context) };
          },
        },
      ];
      const { router } = await loadFramework({ strategies, defaultStrategy: 'either', config: false });
      const trace = (event: TraceEvent): void => void events.push(event);
      await handOver(to, await router.route(TARGET), router, { trace, relayed });
      sys.close(await recvFd(caller));
      expect(taken).to.deep.equal(['kernel']);
      expect(events.flatMap((event) => (event.event === 'note' ? [event.text] : []))).to.deep.equal([
        'the kernel has no such cipher: dialling again in a relay process',
      ]);
    });

    it('says why a relay process does TLS, if the kernel was to', async () => {
      const { channel: to, caller } = channel();
      const events: TraceEvent[] = [];
      const dial = (): never => {
        throw new Error('dialled');
      };
      const tls = () => ({ by: 'process' as const, why: 'it has none' });
      const trace = (event: TraceEvent): void => void events.push(event);
      await give(to, { dial, needsRelay: () => true, tls }, { relayed, trace });
      sys.close(await recvFd(caller));
      expect(events[0]).to.deep.equal({ event: 'note', text: 'a relay process does TLS: it has none' });
    });

    it('does not let the kernel do it for bytes, which only a TLS library can end', async () => {
      const [input, user] = sys.socketpair();
      const theirs = adoptFd(user, sys);
      const listeners: unknown[] = [];
      const dial: Dialer['dial'] = (target, context) => {
        listeners.push(needsRelayListener(context));
        return connect(target, context);
      };
      const done = give({ input, output: sys.dup(input), as: 'relay' }, { dial });
      theirs.end();
      await done;
      theirs.destroy();
      expect(listeners).to.deep.equal([undefined]);
    });
  });

  it('dials nothing itself where a relay is certain for this target', async () => {
    const { channel: to, caller } = channel();
    const dial = (): never => {
      throw new Error('dialled');
    };
    const needsRelay = ({ host }: { host: string }): boolean => host === TARGET.host;
    const relayed = ({ signal }: RelayRequest): Promise<Connection> =>
      connect(TARGET, { signal, trace: () => {} }) as Promise<Connection>;
    await give(to, { dial, needsRelay }, { relayed });
    sys.close(await recvFd(caller));
  });

  it('copies bytes to whoever wants them, until both directions have ended', async () => {
    const [input, user] = sys.socketpair();
    const output = sys.dup(input);
    const theirs = adoptFd(user, sys);
    const done = give({ input, output, as: 'relay' }, { dial: connect });
    theirs.end('and goodbye');
    expect(await text(theirs)).to.equal('hello and goodbye');
    expect(await done).to.equal('relay');
    theirs.destroy();
  });

  it('copies bytes after all to a caller that writes during the dial, unless the descriptor was asked for', async () => {
    for (const isAsked of [false, true]) {
      const { channel: to, caller } = channel();
      const dial: Dialer['dial'] = (...args) => {
        sys.send(caller, Buffer.from('greeting'), 0);
        return connect(...args);
      };
      const done = give({ ...to, isAsked }, { dial });
      if (isAsked) {
        sys.close(await recvFd(caller));
      } else {
        for (const fd of [caller, to.input]) open.splice(open.indexOf(fd), 1);
        const theirs = adoptFd(caller, sys);
        theirs.end();
        expect(await readToEnd(theirs)).to.equal('hello greeting');
        theirs.destroy();
      }
      expect(await done).to.equal(isAsked ? 'descriptor' : 'relay');
    }
  });

  it('asks before it copies bytes, and closes what it has dialled when that is refused', async () => {
    const { channel: to, caller } = channel();
    const dial: Dialer['dial'] = (...args) => {
      sys.send(caller, Buffer.from('greeting'), 0);
      return connect(...args);
    };
    const beforeBytes = (): never => {
      throw new Error('not here');
    };
    expect(await caught(give(to, { dial }, { beforeBytes }))).to.have.property('message', 'not here');
    expect(sys.recv(to.input, Buffer.alloc(20), 0)).to.equal(8); // the caller's bytes are still there
  });

  it('shares stdin with a stream of Node, such as a plugin can open', async () => {
    const { channel: to, caller } = channel();
    open.splice(open.indexOf(to.input), 1);
    const reader = adoptFd(to.input, sys).resume();
    await give(to, { dial: connect });
    sys.close(await recvFd(caller));
    reader.destroy();
  });

  it('leaves the channel blocking, also while it dials', async () => {
    const { channel: to, caller } = channel();
    const dial: Dialer['dial'] = async (...args) => {
      await new Promise(setImmediate);
      expect(sys.isNonBlocking(to.input)).to.equal(false);
      return connect(...args);
    };
    await give(to, { dial });
    expect(sys.isNonBlocking(to.output)).to.equal(false);
    sys.close(await recvFd(caller));
  });

  it('tells no addresses of another socket to a listener that looks too late', async () => {
    const { channel: to, caller } = channel();
    const events: TraceEvent[] = [];
    await give(to, { dial: connect }, { trace: (event) => void events.push(event) });
    const received = await recvFd(caller); // most likely with the number that our copy had
    expect(events.at(-1)).to.include({ event: 'handed-over', local: undefined, peer: undefined });
    sys.close(received);
  });

  it('ends when the program that wanted the connection exits', async () => {
    const { channel: to, caller } = channel();
    open.pop();
    const failed = caught(give(to, { dial: () => new Promise(() => {}) }));
    await new Promise(setImmediate);
    sys.close(caller);
    expect(formatError(await failed)).to.match(/the program that wanted this connection has exited/);
  });

  it('ends soon when a program that gave two pipes exits, though it has left bytes in one', async () => {
    const clock = new HandClock();
    const [input, writer] = makePipe();
    const [reader, output] = makePipe();
    open.push(input, output);
    writeSync(writer, 'SSH-2.0-client\r\n');
    const strategy = { name: 'net', firstOnly: true, create: () => ({ dial: () => new Promise<never>(() => {}) }) };
    const { router } = await loadFramework(
      { strategies: [strategy], defaultStrategy: 'net', config: false },
      (container) => container.register(TOKENS.clock, { useValue: clock }),
    );
    const to: Channel = { input, output, as: 'relay' };
    const failed = caught(handOver(to, await router.route(TARGET), router, { relayed: notRelayed, timeoutMs: 0 }));
    await new Promise(setImmediate);
    for (const fd of [writer, reader]) sys.close(fd);
    const limit = new Promise((resolve) => clock.after(6000, () => resolve('still dialling')));
    const end = await clock.passUntil(Promise.race([failed, limit]));
    expect(formatError(end)).to.match(/the program that wanted this connection has exited/);
    expect(clock.now()).to.be.at.least(5000);
  });

  it('says that the receiver has closed, and closes the connection', async () => {
    const [output, receiver] = sys.socketpair();
    const [input, other] = sys.socketpair();
    open.push(input, other);
    open.push(output);
    sys.close(receiver);
    const failed = await caught(give({ input: input ?? -1, output, as: 'descriptor' }, { dial: connect }));
    expect(formatError(failed)).to.match(/the receiver has closed \(EPIPE\)/);
  });

  it('stops at an abort, with its reason', async () => {
    const { channel: to } = channel();
    const reason = new Error('changed my mind');
    const { signal } = { signal: AbortSignal.abort(reason) };
    expect(await caught(give(to, { dial: connect }, { signal }))).to.equal(reason);
    const controller = new AbortController();
    const dial: Dialer['dial'] = async (...args) => {
      const connection = await connect(...args);
      controller.abort(reason);
      return connection;
    };
    expect(await caught(give(to, { dial }, { signal: controller.signal }))).to.equal(reason);
  });
});
