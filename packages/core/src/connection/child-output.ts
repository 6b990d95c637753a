import { randomUUID } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { FdpassError, isFdpassError } from '../ground/errors.js';
import { openLog } from '../ground/own-files.js';
import { isOutOfDescriptors, reasonOf } from '../ground/system-error.js';
import { oneLine } from '../ground/text.js';
import { endlessInside } from './nesting.js';

/** How often the file is looked at while a command starts. */
const LOOK_INTERVAL_MS = 50;
const MAX_TAIL = 2000;
/** Where a file without a name can be made if TMPDIR cannot hold it. */
const MORE_FOLDERS = ['/tmp', '/var/tmp', '/dev/shm'];

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
  /** Undefined if there is nothing to follow. */
  readonly #reader: number | undefined;
  readonly #say: (line: string) => void;
  readonly #timer: NodeJS.Timeout;
  readonly #decoder = new StringDecoder();
  #position: number;
  #rest = '';
  #tail = '';
  #isFinished = false;

  constructor(log: string | undefined, say: (line: string) => void) {
    [this.fd, this.#reader] = log === undefined ? openNameless() : openUserLog(log);
    this.#position = fstatSync(this.fd).size; // what others wrote before is not ours to repeat
    this.#say = say;
    this.#timer = setInterval(() => this.#follow(), LOOK_INTERVAL_MS);
  }

  /** Passes on what has been written since the last time. */
  #follow(): void {
    const buffer = Buffer.alloc(4096);
    for (let length = this.#read(buffer); length > 0; length = this.#read(buffer)) {
      this.#position += length;
      this.#take(this.#decoder.write(buffer.subarray(0, length)));
    }
  }

  #read(buffer: Buffer): number {
    return this.#reader === undefined ? 0 : readSync(this.#reader, buffer, 0, buffer.length, this.#position);
  }

  #take(text: string): void {
    this.#tail = (this.#tail + text).slice(-MAX_TAIL);
    const lines = (this.#rest + text).split(/\r?\n/);
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#say(line);
  }

  /** The last line that the child wrote, to say why it ended. */
  lastLine(): string | undefined {
    return this.#tail.trim().split(/\r?\n/).at(-1) || undefined;
  }

  /** The end of what the child has written. */
  tail(): string {
    return this.#tail;
  }

  /** Stops following and passes on the last words, also those without a line feed. Does nothing the second time. */
  finish(): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    clearInterval(this.#timer);
    this.#follow();
    if (this.#rest !== '') this.#say(this.#rest);
  }

  /** Stops following and closes our descriptors; the child keeps its own. */
  close(): void {
    clearInterval(this.#timer);
    closeSync(this.fd);
    if (this.#reader !== undefined) closeSync(this.#reader);
  }
}

/** The error of a child, with the last thing that it printed. */
export function withLastWords(error: unknown, output: ChildOutput): unknown {
  const last = output.lastLine();
  if (!isFdpassError(error) || last === undefined) return error;
  const endless = endlessInside(output.tail());
  if (endless !== undefined) return endless;
  return new FdpassError(error.code, `${error.message}: ${oneLine(last)}`, { hint: error.hint, cause: error });
}

/** A new file that only its descriptors lead to, to write and to read. Where there is no place for one: nothing. */
function openNameless(): [number, number | undefined] {
  for (const folder of [tmpdir(), ...MORE_FOLDERS]) {
    if (!isAbsolute(folder)) continue; // TMPDIR=. would be the current directory
    try {
      return openNamelessIn(folder);
    } catch (error) {
      if (isOutOfDescriptors(error)) throw error;
    }
  }
  return [openSync('/dev/null', 'w'), undefined];
}

function openNamelessIn(folder: string): [number, number] {
  const path = join(folder, `fdpass-${randomUUID()}`);
  const writer = openSync(path, 'ax', 0o600);
  try {
    return [writer, openSync(path, 'r')];
  } catch (error) {
    closeSync(writer);
    throw error;
  } finally {
    unlinkSync(path);
  }
}

/** The user's log, to append to and to read; a terminal or a device is not read. @throws FdpassError `config` */
function openUserLog(path: string): [number, number | undefined] {
  const writer = openLog(path);
  try {
    return [writer, fstatSync(writer).isFile() ? openSync(path, 'r') : undefined];
  } catch (cause) {
    closeSync(writer);
    if (isOutOfDescriptors(cause)) throw cause;
    throw new FdpassError('config', `cannot read the log ${path}: ${reasonOf(cause)}`, { cause });
  }
}
