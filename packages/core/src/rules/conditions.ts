import { Child, untilExit } from '../connection/child.js';
import type { DialContext } from '../dial/dialer.js';
import { type Clock, formatMs, startDeadline, untilAborted } from '../ground/clock.js';
import { addDetails, FdpassError, isFdpassError } from '../ground/errors.js';
import { parseIp } from '../ground/ip.js';
import { formatHostPort, type Target } from '../ground/target.js';
import { fillTokens } from '../ground/tokens.js';
import { type Answer, type Answers, SharedAnswers } from './answers.js';
import { CONDITION_KEYS, type ConditionSet, type ExecCondition, type ReachableCondition } from './condition.js';
import { ownAddresses } from './own-addresses.js';
import { exactSubject, matchConditions, matchLocalNetworks, matchPatterns, type Pattern } from './pattern.js';
import { readProfile } from './profile.js';
import type { Rule } from './rule.js';
import { showCondition } from './show-condition.js';

/*
 * Whether the conditions of rules hold now. Few configs have any, so a start loads this only then.
 */

/** A condition of a rule, and whether it holds. */
export interface ConditionOutcome extends Answer {
  /** Its key. */
  readonly condition: keyof ConditionSet;
  /** Written under `not`: the answer is turned round already. */
  readonly isNegated: boolean;
  /** As it was written, without what is not shown. */
  readonly wanted: readonly string[];
}

/** What conditions are asked with. */
export interface AskScope {
  readonly clock: Clock;
  /** For the profile, and for programs. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What other dials have asked. A question goes on then when the dial that asked it ends. Default: nothing is shared. */
  readonly shared?: SharedAnswers | undefined;
  /** Resolves if a place can be reached, and leaves nothing open. */
  readonly reach: (place: { readonly host: string; readonly port: number }, signal: AbortSignal) => Promise<void>;
}

/** Asks the conditions of the rules for one dial. What several rules want to know is asked once. */
export class ConditionAsker {
  readonly #scope: AskScope;
  readonly #context: DialContext;
  readonly #target: Target | undefined;
  readonly #shared: SharedAnswers;
  /** Ends questions. */
  readonly #signal: AbortSignal;
  readonly #known: Record<string, Answer>;

  /**
   * @param target What is dialled; undefined for a check, which has none: what depends on it is then not asked.
   * @param known Answers that another process has got for this dial.
   */
  constructor(scope: AskScope, context: DialContext, target: Target | undefined, known: Answers = {}) {
    this.#scope = scope;
    this.#context = context;
    this.#target = target;
    this.#shared = scope.shared ?? new SharedAnswers(scope.clock, Number.POSITIVE_INFINITY);
    this.#signal = scope.shared === undefined ? context.signal : NEVER;
    this.#known = { ...known };
  }

  /** All answers so far that took time to get. */
  get answers(): Answers {
    return { ...this.#known };
  }

  /**
   * The outcomes of a rule's conditions, the cheap ones first, up to the first that does not hold: what costs time is asked
   * only if all else holds.
   *
   * @throws FdpassError if a program cannot tell: another rule must not be taken for that. The signal's reason on abort.
   */
  async ask({
    conditions = {},
    baseDir,
    where,
  }: Pick<Rule, 'conditions' | 'baseDir' | 'where'>): Promise<ConditionOutcome[]> {
    const { not = {}, ...own } = conditions;
    const outcomes: ConditionOutcome[] = [];
    for (const condition of CONDITION_KEYS) {
      for (const [set, isNegated] of [
        [own, false],
        [not, true],
      ] as const) {
        const value = (set as ConditionSet)[condition];
        if (value === undefined) continue;
        const { holds, found } = await this.#find(condition, set, baseDir).catch((error: unknown) => {
          throw isFdpassError(error) && error.where === undefined ? addDetails(error, { where: where() }) : error;
        });
        const wanted = showCondition(condition, value);
        outcomes.push({ condition, isNegated, wanted, holds: holds !== isNegated, found });
        if (holds === isNegated) return outcomes;
      }
    }
    return outcomes;
  }

  async #find(condition: keyof ConditionSet, set: ConditionSet, baseDir: string): Promise<Answer> {
    const { localNetwork = [], profile = [], reachable = [], exec } = set;
    switch (condition) {
      case 'localNetwork':
        return answerOf(isInNetworks(localNetwork), 'one of our addresses is there', 'none of our addresses is there');
      case 'profile':
        return this.#profile(profile);
      case 'interface':
        return interfaceAnswer(set.interface ?? []);
      case 'reachable':
        return this.#reachable(reachable);
      case 'exec':
        return this.#run(exec as ExecCondition, baseDir);
    }
  }

  #profile(patterns: readonly Pattern[]): Answer {
    const profile = readProfile(this.#scope.environment);
    const holds = matchConditions(patterns, (pattern) => profile !== undefined && accepts(pattern, profile));
    return { holds, found: profile === undefined ? 'no profile is in use' : `${profile} is in use` };
  }

  async #reachable(places: readonly ReachableCondition[]): Promise<Answer> {
    const asked = await Promise.all(places.map(async (place) => ({ ...place, answer: await this.#reach(place) })));
    const [only] = asked;
    if (only !== undefined && asked.length === 1)
      return { holds: only.answer.holds !== only.negated, found: only.answer.found };
    const found = asked.map(({ host, port, answer }) => `${formatHostPort(host, port)} ${answer.found}`).join(', ');
    return { holds: matchConditions(asked, ({ answer }) => answer.holds), found };
  }

  /** Asks once for all limits, but an answer that did not come within a shorter one is not an answer. */
  async #reach(condition: ReachableCondition): Promise<Answer> {
    const { host, port, timeoutMs } = condition;
    const question = `reachable ${formatHostPort(host, port)}`;
    const { waitedMs = Number.POSITIVE_INFINITY, ...answer } = await this.#askPlace(condition, question);
    const isFinal = waitedMs >= (timeoutMs === 0 ? Number.POSITIVE_INFINITY : timeoutMs);
    return isFinal ? answer : this.#askPlace(condition, `${question} within ${timeoutMs}`);
  }

  #askPlace({ host, port, timeoutMs }: ReachableCondition, question: string): Promise<Answer> {
    const place = formatHostPort(host, port);
    return this.#once(question, `whether ${place} can be reached`, async () => {
      const deadline = startDeadline(timeoutMs, this.#signal, this.#scope.clock);
      try {
        await untilAborted(deadline.signal, this.#scope.reach({ host, port }, deadline.signal));
        return { holds: true, found: 'can be reached' };
      } catch (error) {
        this.#signal.throwIfAborted();
        if (deadline.signal.aborted)
          return { holds: false, found: `no answer within ${formatMs(timeoutMs)}`, waitedMs: timeoutMs };
        if (!isFdpassError(error) || !OUT_OF_REACH.has(error.code)) throw error;
        return { holds: false, found: error.summary.replace(`cannot connect to ${place}: `, '') };
      } finally {
        deadline.release();
      }
    });
  }

  async #run({ command, timeoutMs }: ExecCondition, baseDir: string): Promise<Answer> {
    const target = this.#target;
    if (target === undefined && command.some((word) => /%[^%]/.test(word)))
      return { holds: false, found: 'not asked: it depends on the host' };
    const argv = command.map((word) => fillTokens(word, target ?? NO_TARGET, 'exec'));
    const what = `exec ${JSON.stringify([baseDir, timeoutMs, ...argv])}`; // one that is too slow is an error for its own limit
    const shown = showCondition('exec', { command, timeoutMs }).join(' ');
    return this.#once(what, `exec ${shown}`, () => this.#statusOf(argv, baseDir, timeoutMs));
  }

  async #statusOf(argv: readonly string[], baseDir: string, timeoutMs: number): Promise<Answer> {
    const { environment, clock } = this.#scope;
    const request = { argv, baseDir, environment, target: this.#target };
    return untilExit(
      () => Child.start(request, ['ignore', 'ignore', 'ignore'], PROGRAM),
      { timeoutMs, late: () => tooSlow(timeoutMs), signal: this.#signal, clock },
      ({ status, signal }) => {
        if (status === null) throw new FdpassError('config', `${PROGRAM} ended with ${signal}`);
        return { holds: status === 0, found: `status ${status}` };
      },
    );
  }

  async #once(key: string, shown: string, ask: () => Promise<Answer>): Promise<Answer> {
    const known = this.#known[key];
    if (known !== undefined) return known;
    const asking = this.#shared.find(key, () => this.#report(shown, ask));
    const answer = await untilAborted(this.#context.signal, asking);
    this.#known[key] = answer;
    return answer;
  }

  async #report(condition: string, ask: () => Promise<Answer>): Promise<Answer> {
    const { trace, signal } = this.#context;
    const startedMs = this.#scope.clock.now();
    trace({ event: 'condition', condition });
    const answer = await ask();
    const ms = this.#scope.clock.now() - startedMs;
    const { holds, found } = answer;
    if (!signal.aborted) trace({ event: 'condition-answer', condition, ms, holds, found });
    return answer;
  }
}

/** For questions that others wait for too: they have limits of their own. */
const NEVER = new AbortController().signal;

/** How errors call the program of a condition. */
const PROGRAM = 'the program of "exec"';

/** For a command without tokens. */
const NO_TARGET: Target = { host: '', port: 0 };

/** How a dial fails to a place that cannot be reached, rather than for a reason that has to do with us. */
const OUT_OF_REACH: ReadonlySet<string> = new Set(['unreachable', 'timeout', 'unknown-host']);

function tooSlow(timeoutMs: number): FdpassError {
  return new FdpassError('timeout', `${PROGRAM} did not end within ${formatMs(timeoutMs)}`, {
    hint: 'give it more time with "timeout"',
  });
}

function isInNetworks(networks: NonNullable<ConditionSet['localNetwork']>): boolean {
  return matchLocalNetworks(
    networks,
    ownAddresses().flatMap((address) => parseIp(address) ?? []),
  );
}

/** Node lists interfaces that are up and have an address, which is what a connection needs. */
function interfaceAnswer(patterns: readonly Pattern[]): Answer {
  const up = Object.keys(process.getBuiltinModule('node:os').networkInterfaces());
  const holds = matchConditions(patterns, (pattern) => up.some((name) => accepts(pattern, name)));
  const matching = up.filter((name) => patterns.some((pattern) => accepts(pattern, name)));
  return { holds, found: matching.length === 0 ? 'not up' : `${matching.join(', ')} up` };
}

/** Regardless of its `!`. */
function accepts(pattern: Pattern, text: string): boolean {
  return matchPatterns([{ ...pattern, negated: false }], exactSubject(text));
}

function answerOf(holds: boolean, yes: string, no: string): Answer {
  return { holds, found: holds ? yes : no };
}
