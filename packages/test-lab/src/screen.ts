import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryFolder } from './background.js';

const execute = promisify(execFile);

/** A terminal with a shell in it that a test types into and looks at. */
export interface Screen {
  /** Types a line and Enter. */
  type(line: string): Promise<void>;
  /** Types that and no Enter. */
  press(keys: string): Promise<void>;
  /** What stands on it now, without blanks at the ends of lines. */
  read(): Promise<string>;
  /** Looks until that matches, and returns it. */
  until(pattern: RegExp): Promise<string>;
  /** Gives it another size, as a user who drags the corner of the window. */
  resize(columns: number, rows: number): Promise<void>;
  /** Ends it and what runs in it. */
  close(): Promise<void>;
}

/** Opens a terminal by tmux(1), which must be installed. The caller closes it. */
export async function openScreen(
  size: { readonly columns: number; readonly rows: number },
  env: NodeJS.ProcessEnv = {},
): Promise<Screen> {
  const folder = temporaryFolder();
  const socket = join(folder.path, 'tmux');
  const options = { env: { ...process.env, LANG: 'C.UTF-8', ...env, TMUX: undefined } };
  const tmux = async (...args: readonly string[]): Promise<string> =>
    (await execute('tmux', ['-S', socket, '-f', '/dev/null', ...args], options)).stdout;
  const { columns, rows } = size;
  await tmux('new-session', '-d', '-x', String(columns), '-y', String(rows), "env PS1='$ ' dash -i");
  const read = async (): Promise<string> => (await tmux('capture-pane', '-p')).replace(/ +$/gm, '').trimEnd();
  return {
    async type(line) {
      await tmux('send-keys', '-l', '--', line);
      await tmux('send-keys', 'Enter');
    },
    async press(keys) {
      await tmux('send-keys', '-l', '--', keys);
    },
    read,
    async until(pattern) {
      for (;;) {
        const text = await read();
        if (pattern.test(text)) return text;
      }
    },
    async resize(width, height) {
      await tmux('resize-window', '-x', String(width), '-y', String(height));
    },
    async close() {
      await tmux('kill-server').catch(() => {});
      folder.remove();
    },
  };
}
