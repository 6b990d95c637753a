/*
 * A program for any runtime: connects through the route that it is given in each way that a dialer has, and prints what came of it.
 */
import http from 'node:http';
import { text } from 'node:stream/consumers';
import { createDialer } from 'fdpass';

const [use = '', host = '', port = ''] = process.argv.slice(2);
const dialer = createDialer({ use });
const agent = dialer.agent();

async function ask(socket: NodeJS.ReadWriteStream): Promise<string> {
  socket.write('GET /body HTTP/1.0\r\n\r\n');
  return (await text(socket)).split('\r\n\r\n')[1] ?? '';
}

const ways: Readonly<Record<string, () => Promise<string>>> = {
  dial: async () => ask(await dialer.dial({ host, port })),
  connect: () => ask(dialer.connect(Number(port), host)),
  agent: () =>
    new Promise((resolve, reject) => {
      const request = http.get(`http://${host}:${port}/body`, { agent }, (response) =>
        text(response).then(resolve, reject),
      );
      request.once('error', reject);
    }),
  fetch: async () => (await dialer.fetch(`http://${host}:${port}/body`)).text(),
};

const results: Record<string, string> = {};
for (const [name, way] of Object.entries(ways)) results[name] = await way().catch((error: Error) => error.message);
console.log(JSON.stringify(results));
process.exit(0);
