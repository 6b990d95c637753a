import type { Socket } from 'node:net';
import { type Connection, formatError } from '@fdpass/core';
import { expectNoDescriptorLeft, openDescriptors } from '@fdpass/test-lab';
import { contextOf, firstLine, Greeter, refusedPort, streamOf, testHost } from '@fdpass/testkit';
import { expect } from 'chai';
import { type DirectOptions, direct } from './index.js';

async function dial(host: string, port: number, options: DirectOptions = {}): Promise<Socket> {
  const dialer = await direct.create(options, testHost());
  return streamOf((await dialer.dial({ host, port }, contextOf())) as Connection) as Socket;
}

describe('direct on loopback', () => {
  let greeter: Greeter;
  let before: readonly string[];

  beforeEach(async () => {
    greeter = (await Greeter.listen('127.0.0.1')) as Greeter;
    before = openDescriptors();
  });
  afterEach(() => greeter.close());

  it('reaches a name of /etc/hosts and leaves every byte to the caller', async () => {
    const socket = await dial('localhost', greeter.port, { family: 4 });
    expect([socket.isPaused(), socket.readableLength]).to.deep.equal([true, 0]);
    expect(await firstLine(socket)).to.equal('SSH-2.0-greeter\r\n');
    socket.destroy();
    await expectNoDescriptorLeft(before);
  });

  it('reaches an IPv6 literal', async function () {
    const six = await Greeter.listen('::1');
    if (six === undefined) return this.skip();
    const start = openDescriptors();
    const socket = await dial('::1', six.port);
    expect(await firstLine(socket)).to.equal('SSH-2.0-greeter\r\n');
    socket.destroy();
    await expectNoDescriptorLeft(start);
    await six.close();
  });

  it('binds the source address it is told', async () => {
    const socket = await dial('127.0.0.1', greeter.port, { bindAddress: '127.0.0.1' });
    expect(socket.localAddress).to.equal('127.0.0.1');
    socket.destroy();
    await expectNoDescriptorLeft(before);
  });

  it('says that a port is refused and leaves no descriptor', async () => {
    const port = await refusedPort();
    const error = await dial('127.0.0.1', port).catch((reason: unknown) => reason);
    expect(formatError(error)).to.equal(
      `cannot connect to 127.0.0.1:${port}: connection refused; check that it is running, and the port`,
    );
    await expectNoDescriptorLeft(before);
  });
});
