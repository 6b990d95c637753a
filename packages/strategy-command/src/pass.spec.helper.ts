import { openConnection, sendFd } from '@fdpass/core/sockets';

/* A program: connects to HOST PORT and passes the socket's descriptor over its stdout, as `nc -F` does. */

const [host = '', port = ''] = process.argv.slice(2);
const { signal } = new AbortController();
const connection = await openConnection({ family: 4, host, port: Number(port) }, {}, { signal });
if (connection.descriptor === undefined) throw new Error('a connection without a descriptor');
await sendFd(1, connection.descriptor);
connection.destroy();
