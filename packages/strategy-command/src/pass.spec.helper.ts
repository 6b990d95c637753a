import { openSocket, passSocket } from '@fdpass/core';

/* A program: connects to HOST PORT and passes the socket's descriptor over its stdout, as `nc -F` does. */

const [host = '', port = ''] = process.argv.slice(2);
const { signal } = new AbortController();
const socket = await openSocket({ family: 4, host, port: Number(port) }, {}, { signal });
await passSocket(socket, 1);
