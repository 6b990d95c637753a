import { writeSync } from 'node:fs';
import { channelKind } from '@fdpass/core/host';

const STDERR = 2;

/** A line on the user's terminal that is there only while something goes on. */
export interface StatusLine {
  show(text: string): void;
  /** Removes it. */
  clear(): void;
}

/** A status line on stderr; it shows nothing if that is not a terminal. */
export function openStatusLine(): StatusLine {
  const isTerminal = channelKind(STDERR) === 'terminal';
  let isShown = false;
  const write = (text: string): void => {
    try {
      writeSync(STDERR, text);
    } catch {
      // A terminal that is not there any more.
    }
  };
  return {
    show(text) {
      if (!isTerminal) return;
      isShown = true;
      write(`\r${text}\x1b[K`);
    },
    clear() {
      if (isShown) write('\r\x1b[K');
      isShown = false;
    },
  };
}
