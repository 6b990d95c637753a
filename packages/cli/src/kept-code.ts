import type { Script } from 'node:vm';
import { readOwnFile, replaceFile } from '@fdpass/core/host';

/** So many starts add what they compiled. The first has not called every function that others need. */
const STARTS = 8;

/**
 * The file with the compiled code of one script.
 *
 * V8 crashes on damaged code and does not look for damage, and loading a hash function takes longer than reading the code. So
 * the file has it twice, and then the state of the script that it belongs to and the number of starts that it comes from.
 */
export class KeptCode {
  readonly #file: string;
  readonly #state: string;
  #starts = 0;

  /** Undefined if there is none that is whole and belongs to this script. */
  readonly data: Buffer | undefined;

  /** @param state What changes whenever the script does. */
  constructor(file: string, state: string) {
    this.#file = file;
    this.#state = state;
    this.data = this.#read();
  }

  /** For V8 has rejected it. */
  forget(): void {
    this.#starts = 0;
  }

  /** Whether enough starts have added to it. */
  get isComplete(): boolean {
    return this.#starts >= STARTS;
  }

  /** Adds what has been compiled in this start. @throws A system error. */
  add(script: Script): void {
    const code = script.createCachedData();
    replaceFile(this.#file, Buffer.concat([code, code, Buffer.from(`${this.#state} ${this.#starts + 1}`)]));
  }

  #read(): Buffer | undefined {
    try {
      const file = readOwnFile(this.#file);
      const end = file.length - this.#state.length - 2;
      const [code, copy, state] = [
        file.subarray(0, end / 2),
        file.subarray(end / 2, end),
        file.toString('latin1', end),
      ];
      if (!state.startsWith(this.#state) || !copy.equals(code)) return undefined;
      this.#starts = Number(state.slice(-1));
      return code;
    } catch {
      return undefined; // this is the first start
    }
  }
}
