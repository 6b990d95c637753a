import { Socket } from 'node:net';
import { type Connection, type DialContext, formatError, isFdpassError, type TraceEvent } from '@fdpass/core';
import { createResolver, type HostServices, type Resolver } from '@fdpass/core/host';
import { expectNoDescriptorLeft, openDescriptors } from '@fdpass/test-lab';
import { contextOf, firstLine, Greeter, refusedPort, streamOf, testHost } from '@fdpass/testkit';
import { expect } from 'chai';
import { type HappyEyeballsOptions, happyEyeballs } from './index.js';

/** Both loopback addresses for every name. */
const bothLoopbacks: Resolver = createResolver((_host, { family }, done) => {
  done(null, [family === 6 ? { address: '::1', family: 6 } : { address: '127.0.0.1', family: 4 }]);
});

async function dial(
  host: string,
  port: number,
  options: HappyEyeballsOptions = {},
  { services = {}, context = contextOf() }: { services?: Partial<HostServices>; context?: DialContext } = {},
): Promise<Connection> {
  const dialer = await happyEyeballs.create(options, testHost(services));
  return (await dialer.dial({ host, port }, context)) as Connection;
}

describe('happy eyeballs on loopback', () => {
  let greeter: Greeter;
  let before: readonly string[];

  beforeEach(async () => {
    greeter = (await Greeter.listen('127.0.0.1')) as Greeter;
    before = openDescriptors();
  });
  afterEach(() => greeter.close());

  it('reaches a name of /etc/hosts and leaves every byte to the caller', async () => {
    const connection = await dial('localhost', greeter.port);
    expect(connection.descriptor).to.be.a('number');
    const socket = streamOf(connection);
    expect(socket).to.be.instanceOf(Socket);
    expect([socket.isPaused(), socket.readableLength]).to.deep.equal([true, 0]);
    expect(await firstLine(socket)).to.equal('SSH-2.0-greeter\r\n');
    socket.destroy();
    await expectNoDescriptorLeft(before);
  });

  it('goes on from a refused IPv6 address to IPv4 at once', async () => {
    const events: TraceEvent[] = [];
    const options = { attemptDelay: 20_000 };
    const context = contextOf(undefined, events);
    const services = { resolve: bothLoopbacks };
    const socket = streamOf(await dial('host.example', greeter.port, options, { services, context })) as Socket;
    expect(socket.remoteAddress).to.equal('127.0.0.1');
    const attempts = events.flatMap((event) => ('address' in event ? `${event.event} ${event.address}` : []));
    expect(attempts).to.deep.equal([
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
    expect(await firstLine(await dial('::1', six.port))).to.equal('SSH-2.0-greeter\r\n');
    await expectNoDescriptorLeft(start);
    await six.close();
  });

  it('says for every address why it could not be reached', async () => {
    const port = await refusedPort();
    const services = { resolve: bothLoopbacks };
    const error = await dial('host.example', port, { family: 4 }, { services }).catch((reason: unknown) => reason);
    expect(isFdpassError(error) && error.code).to.equal('unreachable');
    expect(formatError(error)).to.equal(
      `cannot connect to host.example:${port}: connection refused (127.0.0.1:${port} connection refused); check that it is running, and the port`,
    );
    await expectNoDescriptorLeft(before);
  });

  it('leaves no descriptor when aborted while it connects', async () => {
    const controller = new AbortController();
    const trace = ({ event }: TraceEvent): void =>
      void (event === 'attempt' && queueMicrotask(() => controller.abort('enough')));
    const dialling = dial(
      'host.example',
      greeter.port,
      { attemptDelay: 10 },
      { services: { resolve: bothLoopbacks }, context: { signal: controller.signal, trace } },
    );
    expect(await dialling.catch((reason: unknown) => reason)).to.equal('enough');
    await expectNoDescriptorLeft(before);
  });
});
