/*
 * A program that passes a descriptor over its stdout, as `nc -F` does: `socket PORT` a connection to 127.0.0.1, `file` one
 * that is not a socket, `stay PORT` the first but without exiting.
 */
import { openSync } from 'node:fs';
import { sendFd } from '../sys/descriptors.js';
import { openConnection } from './open.js';

const [what, port] = process.argv.slice(2);
const address = { family: 4, host: '127.0.0.1', port: Number(port) } as const;
const { signal } = new AbortController();
const fd = what === 'file' ? openSync('/dev/null', 'r') : (await openConnection(address, {}, { signal })).descriptor;
if (fd === undefined) throw new Error('a connection without a descriptor');
await sendFd(1, fd);
if (what === 'stay') setInterval(() => {}, 60_000);
else process.exit();
