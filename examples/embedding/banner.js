// node banner.js HOST PORT: prints what a server sends first. Follows the user's own rules, as the command does.
import { once } from 'node:events';
import { createDialer, formatError } from 'fdpass';

const [host, port] = process.argv.slice(2);
const dialer = createDialer({ timeout: '10s' });
try {
  const { reason, route } = await dialer.explain({ host, port });
  console.error(`${reason}: ${route.map(({ label }) => label).join(' -> ')}`);
  const socket = await dialer.dial({ host, port }, { onProgress: (step) => console.error(step.event) });
  const [banner] = await once(socket, 'data');
  console.log(String(banner).trimEnd());
  socket.destroy();
} catch (error) {
  console.error(`banner: ${formatError(error)}`);
  process.exitCode = 1;
} finally {
  await dialer.close();
}
