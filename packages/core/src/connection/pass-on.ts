/*
 * The ProxyCommand of a program that connects through hops of ours (dial-service.ts): `SOCKET HOST PORT`. It asks the
 * fdpass that runs the program for the connection and passes the descriptor on. If it gets none, that fdpass knows why.
 */
import { recvFd, sendFd } from '../sys/descriptors.js';
import { openConnection } from './open.js';

const [path = '', host, port] = process.argv.slice(2);
const STDOUT = 1;

async function passOn(): Promise<void> {
  const service = await openConnection({ path }, {}, { signal: new AbortController().signal });
  await service.write(Buffer.from(`${JSON.stringify([host, port])}\n`));
  const fd = await recvFd(service.descriptor ?? -1);
  await sendFd(STDOUT, fd);
}

passOn().then(
  () => process.exit(0),
  () => process.exit(1),
);
