import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expectDescriptorsBack } from '@fdpass/test-lab';
import { expect } from 'chai';
import { caught } from '../ground/rejection.spec.helper.js';
import { noTrace } from '../ground/trace.js';
import { createStrategyHost } from './strategy-host.js';

describe('what a strategy opens through its host', () => {
  expectDescriptorsBack();

  it('is closed if the signal aborts before the strategy has it, even if the connection was made at once', async () => {
    const server = createServer((socket) => socket.on('error', () => {}).resume()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const forward = {
      label: '',
      dial: () => Promise.reject(new Error('nothing is before it')),
      needsRelay: () => false,
    };
    const host = createStrategyHost({
      forward,
      isFirst: true,
      route: () => Promise.resolve(forward),
      baseDir: '/',
      socketDefaults: {},
      tlsDefaults: {},
    });
    const reason = new Error('another has won');
    for (let round = 0; round < 3; round++) {
      const controller = new AbortController();
      const opening = host.open(
        { family: 4, host: '127.0.0.1', port },
        {},
        { signal: controller.signal, trace: noTrace },
      );
      controller.abort(reason);
      expect(await caught(opening)).to.equal(reason);
    }
    server.close();
  });
});
