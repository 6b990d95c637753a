import { formatHostPort, type Target } from '@fdpass/core';
import type { Framework } from '@fdpass/core/host';
import { inOrder } from '../in-order.js';
import type { DialRequest } from '../request.js';
import { Recorder } from '../trace/recorder.js';
import type { RowState } from '../trace/timeline.js';
import { type Traced, traceDial } from '../trace/traced-dial.js';

/** How many dials are under way at once: enough not to wait for each, few enough for a proxy. */
const AT_ONCE = 8;

/** A host that was dialled. */
export interface HostTrial {
  readonly target: Target;
  readonly traced: Traced;
  /** What became of each hop on the way. */
  readonly hops: readonly HopTrial[];
}

/** A hop that was dialled, or that nothing has led through. */
export interface HopTrial {
  readonly hop: string;
  readonly state: Exclude<RowState, 'running'>;
  /** How long it took. */
  readonly ms?: number | undefined;
  /** Why it failed. */
  readonly reason?: string | undefined;
}

/**
 * Dials all targets, some at once; the result is in their order.
 *
 * @param progress Called with the number of those that are done, whenever that changes.
 */
export function tryHosts(
  targets: readonly Target[],
  request: Omit<DialRequest, 'target'>,
  framework: Framework,
  progress: (done: number) => void,
): Promise<HostTrial[]> {
  let done = 0;
  return inOrder(targets, AT_ONCE, async (target) => {
    const trial = await tryHost({ ...request, target }, framework);
    progress(++done);
    return trial;
  });
}

async function tryHost(request: DialRequest, framework: Framework): Promise<HostTrial> {
  const recorder = new Recorder();
  const traced = await traceDial(request, async () => framework, recorder);
  return { target: request.target, traced, hops: recorder.moments.flatMap(({ event }) => hopTrial(event)) };
}

function hopTrial(event: Recorder['moments'][number]['event']): HopTrial[] {
  if (event.event === 'dialled') return [{ hop: event.hop, state: 'done', ms: event.ms }];
  if (event.event === 'dial-failed') return [{ hop: event.hop, state: 'failed', ms: event.ms, reason: event.reason }];
  return event.event === 'dial-cancelled' ? [{ hop: event.hop, state: 'cancelled' }] : [];
}

/**
 * One result for each hop: a hop that has led to any host works, however many others it could not reach. Named hops that no
 * route led through are added.
 */
export function summarizeHops(trials: readonly HostTrial[], named: readonly string[]): HopTrial[] {
  const best = new Map<string, HopTrial>();
  for (const trial of trials.flatMap(({ hops }) => hops)) {
    const known = best.get(trial.hop);
    if (known === undefined || RANK[trial.state] < RANK[known.state]) best.set(trial.hop, trial);
  }
  const isSeen = (name: string): boolean => [...best.keys()].some((hop) => hop === name || hop.startsWith(`${name} (`));
  const unseen = named.filter((name) => !isSeen(name));
  return [...best.values(), ...unseen.map((hop): HopTrial => ({ hop, state: 'cancelled' }))];
}

const RANK: Readonly<Record<HopTrial['state'], number>> = { done: 0, failed: 1, cancelled: 2 };

/** How people write a host: with the port, unless it is that of ssh. */
export function nameOf({ host, port, alias }: Target): string {
  const place = formatHostPort(host, port);
  return alias === undefined || alias === host ? place : `${alias} (${place})`;
}
