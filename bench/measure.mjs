// What the benchmarks share: runs of commands as ssh starts them, interleaved, and their medians.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const TIMER = fileURLToPath(new URL('timer.py', import.meta.url));

// Some machines set it. Node 20 reads all those certificates in each start, which takes longer than all else.
delete process.env.NODE_EXTRA_CA_CERTS;

const WARM_UP = 8; // the first connections keep compiled code for the later ones

/** The middle of some numbers; NaN of none. */
export function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

/**
 * Milliseconds of each run of each command; none of one that this machine does not have. The commands run one after the other in
 * each round: machines are noisy, and only what was measured side by side can be compared. Each round has an order of its own, since
 * a command that follows another client of the agent finds it awake. A command is its words, or `{ words, env }`.
 */
export async function interleave(commands, runs, env = process.env) {
  const times = Object.fromEntries(Object.keys(commands).map((name) => [name, []]));
  const timer = startTimer();
  for (let run = -WARM_UP; run < runs; run++) {
    for (const name of shuffled(Object.keys(commands))) {
      const command = commands[name];
      const { words, env: own } = Array.isArray(command) ? { words: command } : command;
      const { ms, status, stderr } = await timer.run(words, { ...env, ...own });
      if (ms === undefined) continue;
      if (status !== 0) throw new Error(`${words.join(' ')}: ${stderr}`);
      if (run >= 0) times[name].push(ms);
    }
  }
  timer.stop();
  return times;
}

function startTimer() {
  const child = spawn('/usr/bin/python3', ['-S', '-E', TIMER], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.once('error', () => {
    throw new Error('/usr/bin/python3 is needed: it measures how long commands take');
  });
  child.once('exit', (status) => {
    if (status !== 0) throw new Error(`${TIMER} has failed`); // or its next answer would be awaited for ever
  });
  const lines = createInterface({ input: child.stdout });
  return {
    async run(words, env) {
      const answer = once(lines, 'line');
      child.stdin.write(`${JSON.stringify({ words, env })}\n`);
      return JSON.parse((await answer)[0]);
    },
    stop: () => child.stdin.end(),
  };
}

function shuffled(values) {
  const rest = [...values];
  for (let at = rest.length - 1; at > 0; at--) {
    const other = Math.floor(Math.random() * (at + 1));
    [rest[at], rest[other]] = [rest[other], rest[at]];
  }
  return rest;
}

/** `name 3.1 ms (1.00)` for each, the ratio to the command called `base`. */
export function formatTimes(times, base) {
  const unit = median(times[base]);
  return Object.entries(times)
    .filter(([, values]) => values.length > 0)
    .map(([name, values]) => `${name} ${median(values).toFixed(1)} ms (${(median(values) / unit).toFixed(2)})`)
    .join(', ');
}
