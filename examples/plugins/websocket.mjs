// A tunnel over WebSocket (RFC 6455): { strategy: websocket, url: "wss://tunnel.example/ssh" }. The target goes into the query.
import { hash, randomBytes } from 'node:crypto';
import { Duplex } from 'node:stream';

const [BINARY, CLOSE, PING, PONG] = [2, 8, 9, 10]; // section 5.2

export const websocket = {
  name: 'websocket',
  schemes: ['ws', 'wss'],
  create({ url, tls }, host) {
    const { protocol, hostname, port, pathname, host: authority } = new URL(url);
    const place = { host: hostname.replace(/[[\]]/g, ''), port: Number(port) || (protocol === 'wss:' ? 443 : 80) };
    return {
      needsRelay: () => true, // only this process can put bytes into frames
      async dial(target, context) {
        let connection = await host.forward.dial(place, context);
        if (protocol === 'wss:') connection = await host.startTls(connection, place.host, context, tls);
        const key = randomBytes(16).toString('base64');
        const path = `${pathname}?target=${encodeURIComponent(`${target.host}:${target.port}`)}`;
        const upgrade = `Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}`;
        await connection.write(Buffer.from(`GET ${path} HTTP/1.1\r\nHost: ${authority}\r\n${upgrade}\r\n\r\n`));
        const reply = await connection.readThrough((head) => (head.includes('\r\n\r\n') ? 0 : 1), 8192, 'the reply');
        const proof = hash('sha1', `${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`, 'base64'); // section 1.3
        if (reply.includes(proof)) return tunnel(connection);
        throw host.error('protocol', `${authority} opened no WebSocket: ${reply.subarray(0, reply.indexOf('\r\n'))}`);
      },
    };
  },
};

function tunnel(connection) {
  const messages = received(connection);
  const stream = new Duplex({
    allowHalfOpen: false, // a WebSocket closes both directions together
    read: () => messages.next().then(({ value = null }) => stream.push(value), stream.destroy.bind(stream)),
    write: (chunk, _encoding, done) => connection.write(frame(BINARY, chunk)).then(() => done(), done),
    final: (done) => connection.write(frame(CLOSE, Buffer.alloc(0))).then(() => done(), done),
  });
  return stream.once('close', () => connection.destroy());
}

async function* received(connection) {
  for (;;) {
    const [first, second] = await connection.read(2, 'a frame');
    const size = { 126: 2, 127: 8 }[second];
    const length = size ? Number(`0x${(await connection.read(size, 'a frame')).toString('hex')}`) : second;
    if ((first & 15) === CLOSE) return;
    const content = await connection.read(length, 'a frame');
    if ((first & 15) === PING) await connection.write(frame(PONG, content));
    else if ((first & 15) !== PONG) yield content;
  }
}

function frame(opcode, content) {
  const [word, size] = content.length < 126 ? [content.length, 0] : content.length < 65_536 ? [126, 2] : [127, 8];
  const length = Buffer.from(content.length.toString(16).padStart(16, '0'), 'hex').subarray(8 - size);
  const key = randomBytes(4); // section 5.3
  return Buffer.concat([Buffer.of(128 | opcode, 128 | word), length, key, content.map((byte, i) => byte ^ key[i % 4])]);
}
