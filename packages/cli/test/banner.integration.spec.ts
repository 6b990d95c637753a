import { once } from 'node:events';
import { createServer } from 'node:net';
import { adoptFd, loadSys, openConnection, recvFd, sendFd } from '@fdpass/core/sockets';
import { expectNoDescriptorLeft, openDescriptors } from '@fdpass/test-lab';
import { expect } from 'chai';

const TIMES = 1000;
const BANNER = Buffer.from(`SSH-2.0-banner ${'x'.repeat(200)}\r\n`);

/** A server that speaks first: whatever the timing, the receiving process gets every byte of its banner. */
describe('a banner on accept', () => {
  it(`arrives whole, ${TIMES} times of ${TIMES}, with and without a handshake before the hand-over`, async () => {
    const before = openDescriptors();
    const server = createServer((socket) => socket.on('error', () => {}).end(BANNER)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    for (let time = 0; time < TIMES; time++) {
      const received = await dialAndPass(port, time % 2 === 0);
      if (!received.equals(BANNER)) expect.fail(`time ${time}: ${JSON.stringify(received.toString())}`);
    }
    server.close();
    await once(server, 'close');
    await expectNoDescriptorLeft(before);
  });

  async function dialAndPass(port: number, withHandshake: boolean): Promise<Buffer> {
    const sys = loadSys();
    const { signal } = new AbortController();
    const connection = await openConnection({ family: 4, host: '127.0.0.1', port }, {}, { signal });
    if (withHandshake) {
      // Reads the first bytes as a proxy's reply would be, with the banner's rest coalesced behind them.
      expect(String(await connection.read(8, 'the reply'))).to.equal('SSH-2.0-');
    }
    const { descriptor } = connection;
    if (descriptor === undefined) throw new Error('there is no descriptor to pass');
    const [ours, theirs] = sys.socketpair();
    try {
      await sendFd(ours, descriptor);
      connection.destroy();
      const passed = adoptFd(await recvFd(theirs), sys);
      const chunks: Buffer[] = [];
      for await (const chunk of passed) chunks.push(chunk as Buffer);
      passed.destroy(); // its other half is still open, and Node 24 leaves it so
      return Buffer.concat([...(withHandshake ? [Buffer.from('SSH-2.0-')] : []), ...chunks]);
    } finally {
      sys.close(ours);
      sys.close(theirs);
    }
  }
});
