// What the benchmarks share: runs of commands as ssh starts them, interleaved, and their medians.
import { spawnSync } from 'node:child_process';
import { loadSys } from '../packages/core/dist/sockets.js';

const WARM_UP = 8; // the first connections keep compiled code for the later ones
const sys = loadSys();

/** The middle of some numbers; NaN of none. */
export function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

/**
 * Milliseconds of each run of each command, one command after the other in each round: machines are noisy, and only what
 * was measured side by side can be compared. A command is its words, or `{ words, env }`.
 */
export function interleave(commands, runs, env = process.env) {
  const times = Object.fromEntries(Object.keys(commands).map((name) => [name, []]));
  for (let run = -WARM_UP; run < runs; run++) {
    for (const [name, command] of Object.entries(commands)) {
      const { words, env: own } = Array.isArray(command) ? { words: command } : command;
      const ms = timed(words, { ...env, ...own });
      if (run >= 0 && !Number.isNaN(ms)) times[name].push(ms);
    }
  }
  return times;
}

/** Milliseconds of a command whose stdin and stdout are one end of a socketpair, as ssh gives them; NaN if it is missing. */
export function timed([command, ...args], env) {
  const [ours, theirs] = sys.socketpair();
  const start = process.hrtime.bigint();
  const { status, stderr, error } = spawnSync(command, args, {
    stdio: [theirs, theirs, 'pipe'],
    encoding: 'utf8',
    env,
  });
  const ms = Number(process.hrtime.bigint() - start) / 1e6;
  sys.close(ours);
  sys.close(theirs);
  if (error?.code === 'ENOENT') return Number.NaN;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`);
  return ms;
}

/** `name 3.1 ms (1.00)` for each, the ratio to the command called `base`. */
export function formatTimes(times, base) {
  const unit = median(times[base]);
  return Object.entries(times)
    .filter(([, values]) => values.length > 0)
    .map(([name, values]) => `${name} ${median(values).toFixed(1)} ms (${(median(values) / unit).toFixed(2)})`)
    .join(', ');
}
