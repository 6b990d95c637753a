import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findProgram, run, useSshd } from '@fdpass/test-lab';
import { expect } from 'chai';

const FDPASS = fileURLToPath(new URL('../../../bin/fdpass', import.meta.url));

/** Real ssh to a real `sshd -i` behind unix sockets, with descriptor passing; ssh_config as systemd's drop-in has it. */
describe('ssh to local sockets', () => {
  const { sshd, env } = useSshd();

  /** A unix socket that runs `sshd -i` for each connection, after `greet` if it is a multiplexer's. */
  async function listen(path: string, isMux: boolean): Promise<() => Promise<void>> {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      const start = (): void => {
        const child = spawn(findProgram('sshd') ?? 'sshd', ['-i', '-f', join(sshd().folder, 'sshd_config')], {
          stdio: ['pipe', 'pipe', 'ignore'],
        });
        socket.on('error', () => child.kill()).pipe(child.stdin.on('error', () => {}));
        child.stdout.pipe(socket);
      };
      if (!isMux) return start();
      socket.once('data', (line) => {
        socket.write(String(line) === 'CONNECT 22\n' ? 'OK 1024\n' : 'ERR\n');
        start();
      });
    }).listen(path);
    await once(server, 'listening');
    return async () => {
      server.close();
      await once(server, 'close');
    };
  }

  for (const [host, isMux] of [
    ['unix', false],
    ['vsock-mux', true],
  ] as const) {
    it(`${host}${isMux ? ', a multiplexer' : ''}`, async () => {
      // ssh writes host names in lower case, these too: the path must have no capital letters.
      const path = join(tmpdir(), `fdpass-${process.pid}-${host}`).toLowerCase();
      const close = await listen(path, isMux);
      const rules = join(sshd().folder, 'local.yaml');
      writeFileSync(
        rules,
        'rules: [ { host: ["unix/*", "unix%*", "vsock/*", "vsock%*", "vsock-mux/*", "vsock-mux%*", ".host"], use: local } ]\n',
        { mode: 0o600 },
      );
      const options = {
        ProxyCommand: `'${process.execPath}' '${FDPASS}' --config '${rules}' %h %p`,
        ProxyUseFdpass: 'yes',
        CheckHostIP: 'no',
        Port: 22,
      };
      try {
        const { status, stdout, stderr } = await run(
          'ssh',
          [...sshd().options(options), '-l', sshd().user, `${host}${path}`, 'echo inside; cat'],
          { env, input: 'and back' },
        );
        expect([status, stdout, stderr]).to.deep.equal([0, 'inside\nand back', '']);
      } finally {
        await close();
      }
    });
  }
});
