// For fdpass test-strategy: a server of the npm package ws, which is what the plugin has to get along with.
import { startTunnelServer } from '../ws-tunnel/server.js';

export const noHalfClose = true;

export async function start() {
  const { port, close } = await startTunnelServer();
  return { options: { url: `ws://127.0.0.1:${port}/` }, close };
}
