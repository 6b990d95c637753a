import { getEventListeners } from 'node:events';
import { PassThrough } from 'node:stream';
import {
  type Connection,
  FdpassError,
  formatError,
  isFdpassError,
  type SocketAddress,
  type Target,
  type TraceEvent,
} from '@fdpass/core';
import { createResolver, type HostServices } from '@fdpass/core/host';
import { isConnection, StreamConnection } from '@fdpass/core/sockets';
import { contextOf, testHost } from '@fdpass/testkit';
import { expect } from 'chai';
import { type DirectOptions, direct } from './index.js';

type Open = HostServices['open'];

const TARGET: Target = { host: 'host.example', port: 22 };

const connected = (): Connection => new StreamConnection(new PassThrough());

/** Knows two addresses of every name, the second of which must never be used. */
function resolverOf(asked: unknown[]): ReturnType<typeof createResolver> {
  return createResolver((host, { family }, done) => {
    asked.push([host, family]);
    const addresses = family === 6 ? ['2001:db8::1', '2001:db8::2'] : ['192.0.2.1', '192.0.2.2'];
    done(
      null,
      addresses.map((address) => ({ address, family: family === 6 ? 6 : 4 })),
    );
  });
}

interface Dialled {
  readonly asked: unknown[];
  readonly opened: SocketAddress[];
  readonly events: TraceEvent[];
  readonly outcome: unknown;
}

async function dial(options: DirectOptions, target: Target, failure?: unknown): Promise<Dialled> {
  const [asked, opened, events]: [unknown[], SocketAddress[], TraceEvent[]] = [[], [], []];
  const open: Open = async (address) => {
    opened.push(address);
    if (failure !== undefined) throw failure;
    return connected();
  };
  const dialer = await direct.create(options, testHost({ resolve: resolverOf(asked), open }));
  const outcome = await dialer.dial(target, contextOf(undefined, events)).catch((error: unknown) => error);
  return { asked, opened, events, outcome };
}

describe('direct', () => {
  const table: readonly (readonly [
    what: string,
    options: DirectOptions,
    host: string,
    asked: string,
    opened: string,
  ])[] = [
    [
      'the first address of a name',
      {},
      'host.example',
      '[["host.example",0]]',
      '{"family":4,"host":"192.0.2.1","port":22}',
    ],
    [
      'the family it is told',
      { family: 6 },
      'host.example',
      '[["host.example",6]]',
      '{"family":6,"host":"2001:db8::1","port":22}',
    ],
    [
      'the family of its source address',
      { bindAddress: '::1' },
      'host.example',
      '[["host.example",6]]',
      '{"family":6,"host":"2001:db8::1","port":22}',
    ],
    ['a literal without a look-up', {}, 'fe80::1%eth0', '[]', '{"family":6,"host":"fe80::1%eth0","port":22}'],
    [
      'another host than the target',
      { host: '192.0.2.9' },
      'host.example',
      '[]',
      '{"family":4,"host":"192.0.2.9","port":22}',
    ],
    ['another port than the target', { port: 2222 }, '192.0.2.7', '[]', '{"family":4,"host":"192.0.2.7","port":2222}'],
  ];
  for (const [what, options, host, asked, opened] of table) {
    it(`connects to ${what}`, async () => {
      const dialled = await dial(options, { host, port: 22 });
      expect(isConnection(dialled.outcome)).to.equal(true);
      expect(JSON.stringify(dialled.asked)).to.equal(asked);
      expect(dialled.opened.map((address) => JSON.stringify(address))).to.deep.equal([opened]);
    });
  }

  it('puts the socket options of the hop over the defaults', async () => {
    let seen: unknown;
    const open: Open = async (_address, options) => {
      seen = options;
      return connected();
    };
    const host = testHost({ open, socketDefaults: { keepAlive: true, noDelay: true } });
    await (await direct.create({ host: '192.0.2.1', keepAlive: false }, host)).dial(TARGET, contextOf());
    expect(seen).to.deep.equal({ keepAlive: false, noDelay: true });
  });

  it('names host, address, reason and hint when it fails', async () => {
    const refused = new FdpassError('unreachable', 'connection refused', { hint: 'check that it is running' });
    const { outcome, events } = await dial({}, TARGET, refused);
    expect(formatError(outcome)).to.equal(
      'cannot connect to host.example:22: connection refused (192.0.2.1:22 connection refused); check that it is running',
    );
    expect(isFdpassError(outcome) && [outcome.code, outcome.cause]).to.deep.equal(['unreachable', refused]);
    expect(events.map(({ event }) => event)).to.deep.equal(['look-up', 'resolve', 'attempt', 'attempt-failed']);
  });

  it('shows system errors of another way to open sockets in words', async () => {
    const { outcome } = await dial(
      {},
      { host: '192.0.2.1', port: 22 },
      Object.assign(new Error('x'), { code: 'ETIMEDOUT' }),
    );
    expect(isFdpassError(outcome) && outcome.code).to.equal('timeout');
    expect(formatError(outcome)).to.equal('cannot connect to 192.0.2.1:22: connection timed out');
  });

  it('ends at once when aborted during the look-up, with the reason, and opens nothing', async () => {
    const opened: SocketAddress[] = [];
    const controller = new AbortController();
    let answer: () => void = () => {};
    const resolve = createResolver((_host, _options, done) => {
      answer = () => done(null, [{ address: '192.0.2.1', family: 4 }]);
    });
    const open: Open = async (address) => {
      opened.push(address);
      return connected();
    };
    const dialer = await direct.create({}, testHost({ resolve, open }));
    const dialling = dialer.dial(TARGET, contextOf(controller.signal));
    const reason = new Error('enough');
    controller.abort(reason);
    expect(await dialling.catch((error: unknown) => error)).to.equal(reason);
    answer();
    await new Promise(setImmediate);
    expect([opened, getEventListeners(controller.signal, 'abort')]).to.deep.equal([[], []]);
  });

  it('opens nothing once whoever listens to the look-up or to the attempt has aborted', async () => {
    for (const at of ['resolve', 'attempt']) {
      const controller = new AbortController();
      const opened: SocketAddress[] = [];
      const open: Open = async (address) => {
        opened.push(address);
        return connected();
      };
      const dialer = await direct.create({}, testHost({ resolve: resolverOf([]), open }));
      const reason = new Error('enough');
      const trace = ({ event }: TraceEvent): void => void (event === at && controller.abort(reason));
      const dialling = dialer.dial(TARGET, { signal: controller.signal, trace });
      expect(await dialling.catch((error: unknown) => error)).to.equal(reason);
      expect([opened, getEventListeners(controller.signal, 'abort')]).to.deep.equal([[], []]);
    }
  });

  it('rethrows the reason when aborted while connecting', async () => {
    const controller = new AbortController();
    const open: Open = (_address, _options, { signal }) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
    const dialer = await direct.create({ host: '192.0.2.1' }, testHost({ open }));
    const dialling = dialer.dial(TARGET, contextOf(controller.signal));
    const reason = new Error('enough');
    controller.abort(reason);
    expect(await dialling.catch((error: unknown) => error)).to.equal(reason);
  });
});
