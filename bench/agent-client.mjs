// A client of the agent in this process: what ssh does as its launcher.
import { loadSys, openConnection, recvFd, sendFd } from '../packages/core/dist/sockets.js';

const sys = loadSys();
const never = new AbortController().signal;

const uint32 = (value) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const text = (value) => [uint32(Buffer.byteLength(value)), Buffer.from(value)];
const packet = (...parts) => {
  const body = Buffer.concat(parts.flat());
  return Buffer.concat([uint32(body.length), body]);
};

/** Asks for one connection, receives its descriptor and closes it. @throws if the status is not 0 */
export async function askAgent(socket, command, env) {
  const agent = await openConnection({ path: socket }, {}, { signal: never });
  const [ours, caller] = sys.socketpair();
  try {
    const variables = Object.entries(env).flatMap(([name, value]) => text(`${name}=${value}`));
    const flags = Array.from({ length: 5 }, () => uint32(0));
    const session = packet(uint32(0x10000002), uint32(0), text(''), flags, text(''), text(command), variables);
    await agent.write(Buffer.concat([packet(uint32(1), uint32(4)), session]));
    for (const fd of [ours, ours, 2]) await sendFd(agent.descriptor, fd, { sys });
    const answers = await agent.read(12 + 16 + 16, 'the answers'); // hello, session opened, exit message
    const status = answers.readUInt32BE(answers.length - 4);
    if (status !== 0) throw new Error(`status ${status}`);
    sys.close(await recvFd(caller, { sys }));
  } finally {
    for (const fd of [ours, caller]) sys.close(fd);
    agent.destroy();
  }
}
