/**
 * The signals that end a process and that it can catch: those of OpenSSH's readpass.c, and the others that people and
 * service managers send. Not in the list: signals that say that the process itself is broken, and SIGUSR1, which Node
 * keeps for its debugger.
 */
const DEADLY: readonly NodeJS.Signals[] = [
  'SIGHUP',
  'SIGINT',
  'SIGQUIT',
  'SIGTERM',
  'SIGABRT',
  'SIGALRM',
  'SIGVTALRM',
  'SIGPROF',
  'SIGUSR2',
  'SIGXCPU',
  'SIGXFSZ',
  'SIGIO',
  'SIGPWR',
  'SIGSTKFLT',
  'SIGSYS',
];

interface Deathbed {
  /** The newest last. */
  readonly actions: Set<() => void>;
  /** Stops listening; undefined while nobody has an action. */
  release: (() => void) | undefined;
}

// Signals belong to the process, and so does this. Symbol.for: two copies of this package share it.
const DEATHBED = Symbol.for('fdpass.deathbed.v1');
const shared = globalThis as { [DEATHBED]?: Deathbed };
shared[DEATHBED] ??= { actions: new Set(), release: undefined };
const deathbed = shared[DEATHBED];

/**
 * Runs `action` before the process ends by a signal or by `process.exit()`, so that nothing outlives it that only it can
 * clean up: a terminal without echo, a temporary folder. Returns how to cancel that.
 *
 * The signal still kills the process afterwards. A signal that the program itself listens to is left to the program.
 * Nothing is installed as long as nobody has an action.
 */
export function beforeDeath(action: () => void): () => void {
  deathbed.actions.add(action);
  deathbed.release ??= listen();
  return () => {
    deathbed.actions.delete(action);
    if (deathbed.actions.size > 0) return;
    deathbed.release?.();
    deathbed.release = undefined;
  };
}

function listen(): () => void {
  const { signals } = process.getBuiltinModule('node:os').constants;
  const ours = DEADLY.filter((name) => name in signals && process.listenerCount(name) === 0);
  const onSignal = (name: NodeJS.Signals): void => {
    if (process.listenerCount(name) > 1) return; // since then the program has begun to listen itself
    prepareForDeath();
    release();
    process.kill(process.pid, name);
  };
  const release = (): void => {
    for (const name of ours) process.off(name, onSignal);
    process.off('exit', prepareForDeath);
  };
  for (const name of ours) process.on(name, onSignal);
  process.on('exit', prepareForDeath);
  return release;
}

/** Runs the actions now, for a program that ends itself after a signal or by _exit(2). */
export function prepareForDeath(): void {
  for (const action of [...deathbed.actions].reverse()) action();
  deathbed.actions.clear();
}
