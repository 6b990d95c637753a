import { type ScriptedLine, type ScriptedServer, startScriptedServer } from '@fdpass/testkit';

/** The servers that examples meet behind names under `.example`. */
export interface DocServers {
  /** Which of them stands behind which well-known port. */
  readonly ports: Readonly<Record<number, number>>;
  close(): Promise<void>;
}

/** An SSH server that only greets and echoes, a SOCKS 5 proxy and an HTTP proxy, both of which lead to it wherever asked. */
export async function startDocServers(): Promise<DocServers> {
  const ssh = await startScriptedServer(greetAndEcho);
  const socks = await startScriptedServer((line) => playSocks5(line, ssh));
  const http = await startScriptedServer((line) => playConnect(line, ssh));
  return {
    ports: { 22: ssh.port, 2222: ssh.port, 1080: socks.port, 9050: socks.port, 3128: http.port, 8080: http.port },
    close: async () => {
      for (const server of [ssh, socks, http]) await server.close();
    },
  };
}

async function greetAndEcho(line: ScriptedLine): Promise<void> {
  await line.send('SSH-2.0-example\r\n');
  line.socket.pipe(line.socket);
}

/** RFC 1928 without authentication: method negotiation, a CONNECT request, success. */
async function playSocks5(line: ScriptedLine, ssh: ScriptedServer): Promise<void> {
  const [, methods = 0] = await line.take(2);
  await line.take(methods);
  await line.send('\x05\x00');
  const [, , , type] = await line.take(4);
  const [length = 0] = type === 3 ? await line.take(1) : [type === 4 ? 16 : 4];
  await line.take(length + 2);
  await line.send('\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00');
  await line.pipeTo(ssh.port);
}

async function playConnect(line: ScriptedLine, ssh: ScriptedServer): Promise<void> {
  await line.takeThrough('\r\n\r\n');
  await line.send('HTTP/1.1 200 OK\r\n\r\n');
  await line.pipeTo(ssh.port);
}
