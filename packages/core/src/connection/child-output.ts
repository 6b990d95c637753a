import { randomUUID } from 'node:crypto';
import { closeSync, openSync, readSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** How often the file is looked at while a command starts. */
const LOOK_INTERVAL_MS = 50;
const MAX_TAIL = 2000;

/**
 * Where a child's stderr goes, and how it reaches the user until the hand-over.
 *
 * The child outlives us, so it can have neither our stderr (whoever waits for its end would wait for the child) nor a
 * pipe to us (it would find it closed later). It gets a file, which we follow while we are there: the user's log, or one
 * that has no name any more and disappears with the child.
 */
export class ChildOutput {
  /** For the child's stderr. */
  readonly fd: number;
  readonly #reader: number;
  readonly #say: (line: string) => void;
  readonly #timer: NodeJS.Timeout;
  #rest = '';
  #tail = '';

  constructor(log: string | undefined, say: (line: string) => void) {
    const path = log ?? join(tmpdir(), `fdpass-${randomUUID()}`);
    this.fd = openSync(path, log === undefined ? 'ax' : 'a', 0o600);
    this.#reader = openSync(path, 'r');
    if (log === undefined) unlinkSync(path);
    else drain(this.#reader, () => {}); // what others wrote before is not ours to repeat
    this.#say = say;
    this.#timer = setInterval(() => this.follow(), LOOK_INTERVAL_MS);
  }

  /** Passes on what has been written since the last time. */
  follow(): void {
    drain(this.#reader, (text) => {
      this.#tail = (this.#tail + text).slice(-MAX_TAIL);
      const lines = (this.#rest + text).split(/\r?\n/);
      this.#rest = lines.pop() ?? '';
      for (const line of lines) this.#say(line);
    });
  }

  /** The last line that the child wrote, to say why it ended. */
  lastLine(): string | undefined {
    return this.#tail.trim().split(/\r?\n/).at(-1) || undefined;
  }

  /** Stops following and closes our descriptors; the child keeps its own. */
  close(): void {
    clearInterval(this.#timer);
    this.follow();
    if (this.#rest !== '') this.#say(this.#rest);
    closeSync(this.fd);
    closeSync(this.#reader);
  }
}

function drain(fd: number, take: (text: string) => void): void {
  const buffer = Buffer.alloc(4096);
  for (let length = readSync(fd, buffer); length > 0; length = readSync(fd, buffer))
    take(buffer.toString('utf8', 0, length));
}
