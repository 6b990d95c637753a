import { inOrder } from '../in-order.js';
import type { SampleHost } from './sample-hosts.js';

const AT_ONCE = 4;

/** Asks about each host, a few at once, in their order. When the time is over, the rest stay unasked. */
export async function askWhile<Answer>(
  hosts: readonly SampleHost[],
  isOver: () => boolean,
  ask: (host: SampleHost) => Promise<readonly Answer[]>,
): Promise<{ readonly answers: readonly Answer[]; readonly unasked: readonly SampleHost[] }> {
  const unasked: SampleHost[] = [];
  const answers = await inOrder(hosts, AT_ONCE, async (host) => {
    if (!isOver()) return ask(host);
    unasked.push(host);
    return [];
  });
  return { answers: answers.flat(), unasked };
}
