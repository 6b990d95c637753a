import { hasLoaded } from './kept-code.js';

/**
 * The option that lets Node start a sixth faster: V8 keeps the seed that its snapshot was made with, and does not sort all hash
 * tables in it anew. So strangers can know which keys collide, which matters to a process that serves many of them. Node's own
 * compiled code does not fit it, either: see {@link StartKind}. The launcher (bin/fdpass) decides who gets it.
 */
const QUICK_START = '--no-rehash-snapshot';

/** How this process has started. */
interface Start {
  readonly isQuick: boolean;
  /** How many of Node's modules there were. */
  readonly modules: number;
}

/** Where the launcher, a bundle of its own, leaves it for the command. */
const START = Symbol.for('fdpass.start.v1');

type WithStart = { [START]?: Start };

/**
 * Notes how this process has started, and takes the option out of what it says of its options: plugins and we ourselves start
 * other processes and workers with those, and Node refuses this one for a worker.
 */
export function noteStart(): Start {
  const at = process.execArgv.indexOf(QUICK_START);
  if (at !== -1) process.execArgv.splice(at, 1);
  const start = { isQuick: at !== -1, modules: countModules() };
  (globalThis as WithStart)[START] = start;
  return start;
}

/** Whether this process was started with the option. */
export function isQuickStart(): boolean {
  return (globalThis as WithStart)[START]?.isQuick === true;
}

/** A plain dial needs three or four. A child process takes 37, and TLS 54. */
const FEW_MODULES = 12;

/**
 * What a start was like:
 *
 * - `plain`: the option pays.
 * - `heavy`: it has needed so many of Node's modules that the option does not. Node has compiled code of them, but V8 takes
 *   that only without the option, and compiling one takes a quarter of a millisecond.
 * - `reading`: it has read a config, for which it needed many. The next start can find that cached.
 */
export type StartKind = 'plain' | 'heavy' | 'reading';

export function kindOfStart(): StartKind {
  if (hasLoaded('load')) return 'reading';
  const { modules = 0 } = (globalThis as WithStart)[START] ?? {};
  return countModules() - modules > FEW_MODULES ? 'heavy' : 'plain';
}

function countModules(): number {
  return (process as { readonly moduleLoadList?: readonly string[] }).moduleLoadList?.length ?? 0;
}
