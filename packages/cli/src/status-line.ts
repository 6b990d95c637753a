import { writeSync } from 'node:fs';
import { beforeDeath, channelKind } from '@fdpass/core/host';

const STDERR = 2;
const DEFAULT_COLUMNS = 80;

/** A line on the user's terminal that is there only while something is in progress. */
export interface StatusLine {
  show(text: string): void;
  /** Removes it. */
  clear(): void;
}

/** A status line on stderr; it shows nothing if that is not a terminal. It does not outlive the process. */
export function openStatusLine(): StatusLine {
  let forget: (() => void) | undefined;
  const write = (text: string): void => {
    try {
      writeSync(STDERR, text);
    } catch {
      // A terminal that is not there any more.
    }
  };
  const clear = (): void => {
    if (forget === undefined) return;
    forget();
    forget = undefined;
    write('\r\x1b[K');
  };
  return {
    show(text) {
      if (channelKind(STDERR) !== 'terminal') return;
      forget ??= beforeDeath(clear);
      const columns = process.stderr.columns || DEFAULT_COLUMNS;
      const room = columns - '^C'.length - 1; // a line that wraps, even by what the terminal echoes, cannot be removed
      write(`\r${text.slice(0, room)}\x1b[K`);
    },
    clear,
  };
}
