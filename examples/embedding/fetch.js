// node fetch.js URL [HOP ...]: prints a web page, fetched through any chain of hops.
import { undiciConnector } from '@fdpass/adapters';
import { createDialer, formatError } from 'fdpass';
import { Agent, fetch } from 'undici';

const [url, ...hops] = process.argv.slice(2);
const dialer = createDialer({ rules: [{ use: hops.length > 0 ? hops : 'happy-eyeballs' }] });
const dispatcher = new Agent({ connect: undiciConnector(dialer) });
try {
  const response = await fetch(url, { dispatcher });
  process.stdout.write(await response.text());
} catch (error) {
  console.error(`fetch: ${formatError(error.cause ?? error)}`);
  process.exitCode = 1;
} finally {
  await dispatcher.close();
  await dialer.close();
}
