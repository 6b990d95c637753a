import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { createInterface } from 'node:readline';

const NOBODY = 65534;

/** The process of another user that listens on a unix socket. */
export interface ForeignListener {
  /** Ends it, and resolves to all bytes that its clients have sent. */
  close(): Promise<Buffer>;
}

/** It closes its connections, so that no client waits for it. */
const SCRIPT = `const [uid, path] = process.argv.slice(1);
process.setgroups([]);
process.setgid(Number(uid));
process.setuid(Number(uid));
require('node:net').createServer((client) =>
  client.on('error', () => {}).on('data', (data) => {
    console.log(data.toString('base64'));
    client.destroy();
  })
).listen(path, () => console.log(''));`;

/**
 * Starts a process of another user that listens at `path`, in a socket and a folder that belong to this user. So it looks like
 * this user's own to whoever looks at the files only. Needs root.
 */
export async function listenAsOther(path: string): Promise<ForeignListener> {
  const folder = dirname(path);
  const { uid, gid } = statSync(folder);
  chownSync(folder, NOBODY, NOBODY);
  const words = ['-e', SCRIPT, String(NOBODY), basename(path)];
  const listener = spawn(process.execPath, words, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = once(listener, 'close');
  const received: string[] = [];
  const lines = createInterface(listener.stdout).on('line', (line) => received.push(line));
  await Promise.race([once(lines, 'line'), closed]);
  for (const entry of [folder, path]) chownSync(entry, uid, gid);
  return {
    async close() {
      listener.kill();
      await closed;
      return Buffer.concat(received.map((line) => Buffer.from(line, 'base64')));
    },
  };
}
