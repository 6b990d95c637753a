import { describeStrategy } from '@fdpass/testkit';
import { startTunnelServer } from './server.js';
import { websocket } from './strategy.js';

describeStrategy({
  strategy: websocket,
  relayed: true,
  noHalfClose: true, // a WebSocket closes both directions together
  async start() {
    const server = await startTunnelServer();
    return { options: { url: `ws://127.0.0.1:${server.port}/` }, close: () => server.close() };
  },
});
