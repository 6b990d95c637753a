/** Where the launcher leaves a function for the command, which is a bundle of its own. */
const KEEPER = Symbol.for('fdpass.code-keeper.v1');

type WithKeeper = { [KEEPER]?: () => void };

export function setCodeKeeper(keep: () => void): void {
  (globalThis as WithKeeper)[KEEPER] = keep;
}

/** Keeps what V8 has compiled for the next start. Called when all that this one needs has run. */
export function keepCompiledCode(): void {
  (globalThis as WithKeeper)[KEEPER]?.();
}
