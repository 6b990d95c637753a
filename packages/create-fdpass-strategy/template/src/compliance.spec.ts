import { describeStrategy } from '@fdpass/testkit';
import { startGateway } from './gateway.spec.helper.js';
import { strategy } from './strategy.js';

// Tests all that fdpass requires of a strategy: early banners, one byte at a time, a close at every offset, an abort at
// every point, leaks, and more.
describeStrategy({
  strategy,
  async start() {
    const gateway = await startGateway();
    return { options: { gateway: `127.0.0.1:${gateway.port}` }, close: () => gateway.close() };
  },
});
