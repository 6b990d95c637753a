// A program that opens a port for us, as kubectl port-forward does: { strategy: port-forward, to: pod/build-1 }. It lives as
// long as the connection.
import { Duplex } from 'node:stream';

/**
 * Runs the program until its own stdin ends, or until the program does. Our end of that stdin is closed when the connection
 * is, and also if this process is killed. So the program cannot be left behind. Its stdin is its stdout too, a socket, which some
 * programs would make non-blocking: so they write to a pipe.
 */
const SUPERVISE = `exec 3<&0 4>&1
{ read -r end; kill 0; } <&3 4>&- & reader=$!
status=$({ { "$@" </dev/null 3<&- 4>&- 5>&-; echo $? >&5; } | cat >&4; } 5>&1)
kill "$reader"; exit "$status"`;

/** @type {import('@fdpass/core').Strategy<{ to: string, kubectl?: string }>} */
export const portForward = {
  name: 'port-forward',
  shorthand: 'to',
  firstOnly: true, // the program connects by itself
  create({ to, kubectl = 'kubectl' }, host) {
    if (!/^[a-z]+\/[a-z0-9.-]+$/.test(to)) throw host.error('config', '"to" must be like pod/NAME or service/NAME');
    return {
      needsRelay: () => true, // a process has to stay, and end the program
      async dial({ port }, context) {
        const words = [kubectl, 'port-forward', '--address', '127.0.0.1', to, `:${port}`];
        const patient = { patienceMs: 20_000 }; // it tells its port first
        const program = await host.spawn(['/bin/sh', '-c', SUPERVISE, 'sh', ...words], context, patient);
        const missing = (soFar) => (soFar.includes('\n') ? 0 : 1);
        const line = String(await program.readThrough(missing, 1024, 'its port'));
        const [, local] = /^Forwarding from 127\.0\.0\.1:(\d+) /.exec(line) ?? [];
        if (local === undefined) throw host.error('protocol', `${kubectl} said ${JSON.stringify(line.trim())}`);
        const address = { family: 4, host: '127.0.0.1', port: Number(local) };
        const socket = (await host.open(address, host.socketDefaults, context)).toStream();
        // Not the socket itself, whose descriptor would be passed on, and this process would end.
        const stream = Duplex.from({ readable: socket, writable: socket }).pause();
        return stream.once('close', () => program.destroy());
      },
    };
  },
};
