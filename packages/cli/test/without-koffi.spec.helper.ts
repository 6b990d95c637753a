/*
 * A program that embeds fdpass where koffi cannot be loaded. It dials each route that it is given, as JSON on its command
 * line, and prints what came of each and how often koffi was loaded for it.
 */
import { text } from 'node:stream/consumers';
import { openSocketsAndPipes } from '@fdpass/test-lab';

let loads = 0;
process.dlopen = () => {
  loads += 1;
  throw new Error('not built for this platform');
};
const { createDialer, formatError, isFdpassError } = await import('../dist/index.js'); // after that

interface Dial {
  readonly use: unknown;
  readonly host: string;
  readonly port: number;
}

async function talk({ use, host, port }: Dial): Promise<string> {
  const openBefore = openSocketsAndPipes();
  const dialer = createDialer({ rules: [{ use: use as string }] });
  try {
    const socket = await dialer.dial({ host, port });
    socket.end('and goodbye');
    const said = await text(socket);
    const late = dialer.connect(port, host);
    late.end('and goodbye');
    const again = await text(late);
    if (again !== said) return `connect: ${again}`;
    await new Promise(setImmediate);
    const left = openSocketsAndPipes().filter((entry) => !openBefore.includes(entry));
    return left.length === 0 ? said : `left open: ${left.join()}`;
  } catch (error) {
    return isFdpassError(error) ? `${error.code}: ${formatError(error)}` : String(error);
  } finally {
    await dialer.close();
  }
}

const results: { said: string; loads: number }[] = [];
for (const dial of JSON.parse(process.argv[2] ?? '[]') as Dial[]) {
  const before = loads;
  results.push({ said: await talk(dial), loads: loads - before });
}
console.log(JSON.stringify(results));
