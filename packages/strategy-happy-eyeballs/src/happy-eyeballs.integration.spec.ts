import { Socket } from 'node:net';
import { createResolver, formatError, isFdpassError, type Resolver, type TraceEvent } from '@fdpass/core';
import {
  contextOf,
  expectNoDescriptorLeft,
  firstLine,
  Greeter,
  openDescriptors,
  refusedPort,
  STRATEGY_HOST,
} from '@fdpass/testkit';
import { expect } from 'chai';
import { createHappyEyeballs, happyEyeballs } from './index.js';

const NO_FORWARD = { dial: () => Promise.reject(new Error('not used')) };

/** Both loopback addresses for every name. */
const bothLoopbacks: Resolver = createResolver((_host, { family }, done) => {
  done(null, [family === 6 ? { address: '::1', family: 6 } : { address: '127.0.0.1', family: 4 }]);
});

describe('happy eyeballs on loopback', () => {
  let greeter: Greeter;
  let before: readonly string[];

  beforeEach(async () => {
    greeter = (await Greeter.listen('127.0.0.1')) as Greeter;
    before = openDescriptors();
  });
  afterEach(() => greeter.close());

  it('reaches a name of /etc/hosts and leaves every byte to the caller', async () => {
    const socket = await happyEyeballs
      .create({}, NO_FORWARD, STRATEGY_HOST)
      .dial({ host: 'localhost', port: greeter.port }, contextOf());
    expect(socket).to.be.instanceOf(Socket);
    expect([socket.isPaused(), socket.readableLength]).to.deep.equal([true, 0]);
    expect(await firstLine(socket as Socket)).to.equal('SSH-2.0-greeter\r\n');
    socket.destroy();
    await expectNoDescriptorLeft(before);
  });

  it('goes on from a refused IPv6 address to IPv4 at once', async () => {
    const events: TraceEvent[] = [];
    const dialer = createHappyEyeballs({ resolve: bothLoopbacks }).create(
      { attemptDelay: 20_000 },
      NO_FORWARD,
      STRATEGY_HOST,
    );
    const context = contextOf(undefined, events);
    const socket = (await dialer.dial({ host: 'host.example', port: greeter.port }, context)) as Socket;
    expect(socket.remoteAddress).to.equal('127.0.0.1');
    const attempts = events.filter(({ event }) => event.startsWith('attempt') || event === 'connected');
    expect(attempts.map(({ event, address }) => `${event} ${address}`)).to.deep.equal([
      `attempt [::1]:${greeter.port}`,
      `attempt-failed [::1]:${greeter.port}`,
      `attempt 127.0.0.1:${greeter.port}`,
      `connected 127.0.0.1:${greeter.port}`,
    ]);
    socket.destroy();
    await expectNoDescriptorLeft(before);
  });

  it('reaches an IPv6 literal', async function () {
    const six = await Greeter.listen('::1');
    if (six === undefined) return this.skip();
    const start = openDescriptors();
    const socket = (await happyEyeballs
      .create({}, NO_FORWARD, STRATEGY_HOST)
      .dial({ host: '::1', port: six.port }, contextOf())) as Socket;
    expect(await firstLine(socket)).to.equal('SSH-2.0-greeter\r\n');
    socket.destroy();
    await expectNoDescriptorLeft(start);
    await six.close();
  });

  it('says for every address why it could not be reached', async () => {
    const port = await refusedPort();
    const dialer = createHappyEyeballs({ resolve: bothLoopbacks }).create({ family: 4 }, NO_FORWARD, STRATEGY_HOST);
    const error = await dialer.dial({ host: 'host.example', port }, contextOf()).catch((reason: unknown) => reason);
    expect(isFdpassError(error) && error.code).to.equal('unreachable');
    expect(formatError(error)).to.equal(
      `cannot connect to host.example:${port}: connection refused (127.0.0.1:${port} connection refused); is it running, and is the port right?`,
    );
    await expectNoDescriptorLeft(before);
  });

  it('leaves no descriptor when aborted while it connects', async () => {
    const controller = new AbortController();
    const dialer = createHappyEyeballs({ resolve: bothLoopbacks }).create(
      { attemptDelay: 10 },
      NO_FORWARD,
      STRATEGY_HOST,
    );
    const trace = ({ event }: TraceEvent): void =>
      void (event === 'attempt' && queueMicrotask(() => controller.abort('enough')));
    const dialling = dialer.dial(
      { host: 'host.example', port: greeter.port },
      { ...contextOf(controller.signal), trace },
    );
    expect(await dialling.catch((reason: unknown) => reason)).to.equal('enough');
    await expectNoDescriptorLeft(before);
  });
});
