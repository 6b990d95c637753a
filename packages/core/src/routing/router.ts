import type { Config } from '../config/load.js';
import type { Connection } from '../connection/connection.js';
import { type DialContext, routeContext } from '../dial/context.js';
import type { AbortState } from '../ground/abortable.js';
import { type Clock, startDeadline } from '../ground/clock.js';
import {
  addDetails,
  type FailedAttempt,
  FdpassError,
  formatWhere,
  isFdpassError,
  unfoldErrors,
  type Where,
} from '../ground/errors.js';
import { withAdded } from '../ground/lists.js';
import { isPending, promiseOf } from '../ground/promise-of.js';
import { normalizeTarget } from '../ground/read-target.js';
import { showName } from '../ground/shown.js';
import type { Target } from '../ground/target.js';
import { messageOf } from '../ground/text.js';
import { noTrace, type Trace, type TraceEvent } from '../ground/trace.js';
import type { Answers, SharedAnswers } from '../rules/answers.js';
import type { ConditionAsker, ConditionOutcome } from '../rules/conditions.js';
import type { Rule } from '../rules/rule.js';
import type { RuleDecision, RuleTable, RuleTrial } from '../rules/rule-table.js';
import type { NamedTarget } from './canonical.js';
import { type BuiltChain, buildChain, type ChainScope, type HopSummary, IMPLIED, withNames } from './chain.js';
import type { SkippedRule } from './explain-words.js';
import { type Inspector, type Place, placeWithin } from './hop.js';
import type { HostServices } from './strategy-host.js';

/** What a rule resolves to for one target. */
export interface Route {
  /** What is dialled. */
  readonly target: Target;
  /** Why this route, for a person, e.g. `rule 2 (/home/me/.config/fdpass/config.yaml:7)`. */
  readonly reason: string;
  /** The rule that chose it; undefined where none did. */
  readonly rule?: { readonly index: number; readonly name?: string | undefined; readonly where: Where } | undefined;
  /** Its hops, ready to dial. */
  readonly chain: BuiltChain;
  /** Milliseconds for the whole dial, handshakes included; 0 means no limit. */
  readonly timeoutMs: number;
  /** What its rule wants done around the dial, as it was written; the chain does it. Default: nothing. */
  readonly settings?: Rule['settings'];
  /** Whether its hops were named by hand, regardless of the rules. Default false. */
  readonly isByHand?: boolean | undefined;
  /** Each rule up to the one that matches, and why the others do not. Default: none were looked at. */
  readonly trials?: readonly RuleTrial[] | undefined;
  /** What its target was called, if the config has made that name whole. */
  readonly shortName?: string | undefined;
  /** What was found out by asking, of conditions and of short names. Default: nothing was asked. */
  readonly answers?: Answers | undefined;
}

/** What is the same for every target that a rule matches. */
type RuleRoute = Pick<Route, 'reason' | 'rule' | 'chain' | 'settings' | 'timeoutMs'>;

/** What the rules say of a target, and what was asked for it. */
type Decided = RuleDecision & Pick<Route, 'answers'>;

/** What choosing a route takes part of. */
export interface RouteOptions {
  /** Ends what conditions ask; its reason is rethrown unchanged. */
  readonly signal?: AbortSignal | undefined;
  /** Default: nobody listens. */
  readonly trace?: Trace | undefined;
  /** The {@link Route.answers} that another process has got for this dial: nothing is asked twice. */
  readonly answers?: Answers | undefined;
  /** What conditions are asked for several dials together. Default: each dial asks for itself. */
  readonly shared?: SharedAnswers | undefined;
}

/** How one dial differs from what its route says. */
export interface DialOptions {
  /** Aborts the dial; its reason is rethrown unchanged. */
  readonly signal?: AbortState | undefined;
  /** Overrides the route's. 0 means no limit. */
  readonly timeoutMs?: number | undefined;
  /** Default: nobody listens. */
  readonly trace?: Trace | undefined;
  /**
   * Set if the descriptor of the connection is to be passed to another program: TLS can then be the kernel's. Called, with the
   * reason, if that turns out not to work; it should abort the dial, for a relay to dial. Default: the connection stays here.
   */
  readonly onNeedsRelay?: ((why: string) => void) | undefined;
  /** What the rule wants done before has been done, see {@link Router.prepare}. Default false. */
  readonly isPrepared?: boolean | undefined;
}

/** What a {@link Router} is made of. */
export interface RouterParts {
  readonly config: Config | undefined;
  readonly table: RuleTable | undefined;
  readonly scope: ChainScope;
  /** Milliseconds, where neither the rule nor the caller says. */
  readonly timeoutMs: number;
}

/** What would be dialled for a target, and why; plain data without a secret. */
export interface Explanation {
  /** Normalised. */
  readonly target: Target;
  /** The config file, `(config)` for one given in code, or null if there is none. */
  readonly config: string | null;
  /** Why this route, e.g. `rule 2 (/home/me/.config/fdpass/config.yaml:7:5)`. */
  readonly reason: string;
  /** Whether no rule chose it, so that the default strategy reaches the host directly. */
  readonly isDefault: boolean;
  /** The hops in travel order; `***` in their options for what is not shown. */
  readonly route: readonly HopSummary[];
  /** What the rule wants done around the dial, and what the hops decide for this target, e.g. which variable names the proxy. */
  readonly decisions: readonly string[];
  /** Whether a relay is needed for a descriptor: the connection is not a kernel socket. */
  readonly relay: boolean;
  /** For the whole dial; 0 means no limit. */
  readonly timeoutMs: number;
  /** The rules before the winner. */
  readonly skipped: readonly SkippedRule[];
  /** What was found out about the winner's conditions. Absent if it has none. */
  readonly conditions?: readonly ConditionOutcome[];
}

/** The conditions of a rule, asked without a target. */
export interface RuleConditions {
  /** Counted from 1. */
  readonly rule: number;
  /** Where the rule is written. */
  readonly where: Where;
  /** Up to the first that does not hold; or why one cannot tell. */
  readonly outcomes: readonly ConditionOutcome[] | FdpassError;
}

/** Chooses and dials routes by the rules of one config. */
export class Router {
  readonly #parts: RouterParts;
  /** The routes that have been used, by their rule, or by this router for the default one: a chain serves any number of dials. */
  readonly #routes = new Map<unknown, RuleRoute | Promise<RuleRoute>>();

  constructor(parts: RouterParts) {
    this.#parts = parts;
  }

  /** The same rules with some services replaced, for dials in the name of another program. Its chains are its own. */
  withServices(services: Partial<HostServices>): Router {
    const { scope } = this.#parts;
    return new Router({ ...this.#parts, scope: { ...scope, services: { ...scope.services, ...services } } });
  }

  /** What its deadlines run on. */
  get clock(): Clock {
    return this.#parts.scope.services.clock;
  }

  /**
   * The route of the first rule that matches; without a config, or where none matches, the default strategy. Asks the
   * conditions of the rules that match otherwise.
   *
   * @throws FdpassError `config`, or of any code if a condition cannot tell.
   */
  route(wanted: Target, options: RouteOptions = {}): Promise<Route> {
    return promiseOf(() => this.choose(wanted, options));
  }

  /** As {@link route}, at once where nothing has to be asked or built first: mostly it is so. Throws in place of rejecting then. */
  choose(wanted: Target, options: RouteOptions = {}): Route | Promise<Route> {
    const naming = this.#nameTarget(normalizeTarget(wanted), options);
    if (isPending(naming)) return naming.then((named) => this.#chooseFor(named, options));
    return this.#chooseFor(naming, options);
  }

  #chooseFor(named: NamedTarget, options: RouteOptions): Route | Promise<Route> {
    const deciding = this.#decide(named.target, options);
    if (isPending(deciding)) return deciding.then((decided) => this.#ofDecided(named, decided));
    return this.#ofDecided(named, deciding);
  }

  #ofDecided(named: NamedTarget, decided: Decided): Route | Promise<Route> {
    const { match } = decided;
    const building = match === undefined ? this.#unmatched() : this.#ofRule(match.rule, match.index);
    if (isPending(building)) return building.then((built) => routeTo(named, decided, built));
    return routeTo(named, decided, building);
  }

  /** The target under its whole name, if the config makes short ones whole and this is one. */
  #nameTarget(target: Target, options: RouteOptions): NamedTarget | Promise<NamedTarget> {
    const { config, scope } = this.#parts;
    if (config?.canonical === undefined) return { target };
    const { canonical } = config;
    return import('./canonical.js') // few configs do
      .then(({ canonicalTarget }) =>
        canonicalTarget(target, canonical, scope.services, contextOf(options), options.answers),
      );
  }

  #decide(target: Target, options: RouteOptions): Decided | Promise<Decided> {
    let asker: ConditionAsker | undefined;
    const decision = this.#parts.table?.decide(target, async (rule) => {
      asker ??= await this.#asker(target, options);
      return asker.ask(rule);
    });
    if (decision === undefined || !isPending(decision)) return decision ?? { trials: [] };
    return decision.then(({ match, trials }) => ({ match, trials, answers: asker?.answers }));
  }

  /** The same for every target that the rule matches. */
  #ofRule(rule: Rule, index: number): RuleRoute | Promise<RuleRoute> {
    return this.#routes.get(rule) ?? this.#keep(rule, this.#buildFor(rule, index));
  }

  async #buildFor(rule: Rule, index: number): Promise<RuleRoute> {
    const where = rule.where();
    const name = rule.name === undefined ? '' : ` "${showName(rule.name)}"`;
    const reason = `rule ${index + 1}${name} (${formatWhere(where)})`;
    const timeoutMs = rule.timeoutMs ?? this.#parts.timeoutMs;
    const chain = await this.#ruleChain(rule, reason, timeoutMs);
    const { settings } = rule;
    return {
      reason,
      rule: { index, name: rule.name, where },
      chain,
      settings,
      timeoutMs: raisedLimit(timeoutMs, chain),
    };
  }

  /** What reaches hosts without a rule, and whatever is asked for no route. */
  #unmatched(): RuleRoute | Promise<RuleRoute> {
    return this.#routes.get(this) ?? this.#keep(this, this.#buildDefault());
  }

  async #buildDefault(): Promise<RuleRoute> {
    const { scope, table, timeoutMs } = this.#parts;
    const reason = table === undefined ? 'no configuration' : 'no rule matches';
    return { reason, chain: await buildChain(scope.defaultStrategy, IMPLIED, scope), timeoutMs };
  }

  /** Until it fails, since what was missing can be there the next time. */
  #keep(key: unknown, building: Promise<RuleRoute>): Promise<RuleRoute> {
    this.#routes.set(key, building);
    building.then(
      (built) => this.#routes.set(key, built),
      () => this.#routes.delete(key),
    );
    return building;
  }

  async #asker(target: Target | undefined, options: RouteOptions): Promise<ConditionAsker> {
    const { answers, shared } = options;
    const { ConditionAsker } = await import('../rules/conditions.js'); // few rules have any
    const { clock, environment } = this.#parts.scope.services;
    const reach = async (place: Target, until: AbortSignal): Promise<void> =>
      (await (await this.#unmatched()).chain.dial(place, { signal: until, trace: noTrace })).destroy();
    return new ConditionAsker({ clock, environment, reach, shared }, contextOf(options), target, answers);
  }

  /** The conditions of each rule that has any, and what they say now. Where one cannot tell, the error stands for it. */
  async checkConditions(): Promise<RuleConditions[]> {
    const asker = await this.#asker(undefined, {});
    const found: RuleConditions[] = [];
    for (const [index, rule] of (this.#parts.config?.rules ?? []).entries()) {
      if (rule.conditions === undefined) continue;
      const outcomes = await asker.ask(rule).catch((error: unknown) => {
        if (isFdpassError(error)) return error;
        throw error;
      });
      found.push({ rule: index + 1, where: rule.where(), outcomes });
    }
    return found;
  }

  /**
   * The route through hops named by hand, regardless of the rules.
   *
   * @param reason What has named them.
   * @throws FdpassError `config`
   */
  async routeVia(
    wanted: Target,
    use: unknown,
    baseDir: string,
    reason = '--via',
    options: RouteOptions = {},
  ): Promise<Route> {
    const named = await this.#nameTarget(normalizeTarget(wanted), options);
    const chain = await this.#chain(use, { baseDir }, reason);
    return { ...named, reason, chain, timeoutMs: raisedLimit(this.#parts.timeoutMs, chain), isByHand: true };
  }

  /** Explains a route that this router gave. Opens nothing. */
  async explain(route: Route): Promise<Explanation> {
    const { target, shortName, reason, rule, chain, timeoutMs, settings, isByHand = false, trials = [] } = route;
    const conditions = trials.find(({ matched }) => matched)?.conditions;
    const ofRule = await describeSettings(settings, this.#parts.scope);
    const ofName = shortName === undefined ? [] : [`${shortName} is short for ${target.host}`];
    const [decisions, relay] = [[...ofName, ...ofRule, ...(chain.explain?.(target) ?? [])], chain.needsRelay(target)];
    const { describeSkipped } = await import('./explain-words.js'); // only this asks
    return {
      target,
      config: this.#parts.config?.file ?? null,
      reason,
      isDefault: rule === undefined && !isByHand,
      route: await chain.summarize(), // the hops now know what they have asked for
      decisions,
      relay,
      timeoutMs,
      skipped: trials.flatMap(describeSkipped),
      ...(conditions && { conditions }),
    };
  }

  /**
   * Builds the routes of all rules and then all named hops, so that what is seldom used is checked too.
   *
   * @param look Is shown every hop, and told the names of those that rules use.
   * @returns All errors that were found.
   */
  async check({ see = () => {}, use = () => {} }: Partial<Omit<Inspector, 'report'>> = {}): Promise<FdpassError[]> {
    const { config, scope } = this.#parts;
    const errors = new Map<string, FdpassError>(); // a hop that several rules use is wrong once
    const report = (error: unknown): void => {
      const known = isFdpassError(error) ? error : new FdpassError('internal', messageOf(error), { cause: error });
      for (const each of unfoldErrors(known)) errors.set(each.message, each);
    };
    const build = (what: unknown, place: Place, inspector: Inspector): Promise<unknown> =>
      buildChain(what, place, { ...scope, inspector }).catch(report);
    for (const rule of config?.rules ?? []) await build(rule.use, placeWithin(rule, 'use'), { see, use, report });
    for (const [name, hop] of config?.hops ?? []) await build(name, hop, { see, use: () => {}, report });
    return [...errors.values()];
  }

  /**
   * Runs what the rule of a route wants run before its dials (`before`). It has a limit of its own, but no more time than the
   * caller gives. {@link dial} does it too, unless it is told that it has been done.
   *
   * @returns The options for the dial, with the time that is left.
   * @throws FdpassError that names target and rule; the caller's abort reason unchanged.
   */
  async prepare(route: Route, options: DialOptions = {}): Promise<DialOptions> {
    const { prepare } = route.chain;
    if (prepare === undefined || options.isPrepared === true) return { ...options, isPrepared: true };
    const limit = startDeadline(options.timeoutMs ?? 0, options.signal, this.clock);
    try {
      await prepare(route.target, { signal: limit.signal, trace: options.trace ?? noTrace });
      const timeoutMs = options.timeoutMs && limit.remainingMs();
      return { ...options, timeoutMs, isPrepared: true };
    } catch (error) {
      throw failureOf(error, route, options);
    } finally {
      limit.release();
    }
  }

  /**
   * Dials a route. The connection belongs to the caller.
   *
   * @throws FdpassError that names target, rule and hop; the caller's abort reason unchanged.
   */
  dial(route: Route, options: DialOptions = {}): Promise<Connection> {
    if (route.chain.prepare !== undefined && options.isPrepared !== true)
      return this.prepare(route, options).then((prepared) => this.dial(route, prepared));
    const attempts = new AttemptLog(options.trace ?? noTrace);
    const deadline = startDeadline(options.timeoutMs ?? route.timeoutMs, options.signal, this.clock);
    const context = routeContext(deadline.state, attempts.trace, options.onNeedsRelay);
    // This is not an async function, for the reason that HopDial gives.
    return promiseOf(() => route.chain.dial(route.target, context)).then(
      (connection) => {
        deadline.release();
        return connection;
      },
      (error: unknown) => {
        deadline.release();
        const failure = failureOf(error, route, options);
        throw isFdpassError(failure) ? attempts.explain(failure) : failure;
      },
    );
  }

  async #chain(use: unknown, place: Place, rule: string, scope: ChainScope = this.#parts.scope): Promise<BuiltChain> {
    try {
      return await buildChain(use, place, scope);
    } catch (error) {
      throw isFdpassError(error) ? addDetails(error, { rule }) : error;
    }
  }

  /** The chain of a rule, with what the rule wants done around it. */
  async #ruleChain(rule: Rule, reason: string, timeoutMs: number): Promise<BuiltChain> {
    const place = placeWithin(rule, 'use');
    if (rule.settings === undefined) return this.#chain(rule.use, place, reason);
    const { dialAround, ruleSettings } = await import('./dial-around.js'); // few rules have any
    const settings = await ruleSettings(rule);
    const scope = await withNames(this.#parts.scope, settings);
    return dialAround(await this.#chain(rule.use, place, reason, scope), rule, settings, scope, timeoutMs);
  }
}

function routeTo(named: NamedTarget, { trials, answers }: Decided, built: RuleRoute): Route {
  const { reason, rule, chain, settings, timeoutMs } = built;
  return {
    target: named.target,
    shortName: named.shortName,
    reason,
    rule,
    chain,
    settings,
    timeoutMs,
    trials,
    answers: named.answers === undefined ? answers : { ...named.answers, ...answers },
  };
}

/** For who gives no signal: one that never aborts. */
function contextOf({ signal = new AbortController().signal, trace = noTrace }: RouteOptions): DialContext {
  return { signal, trace };
}

/** What a dial of a route rejects with. */
function failureOf(error: unknown, { target, reason }: Route, { signal }: DialOptions): unknown {
  if (signal?.aborted) return signal.reason;
  return isFdpassError(error) ? addDetails(error, { target, rule: reason }) : error;
}

/** The time for a dial. What takes longer by its nature, such as trying again for a minute, says so. */
function raisedLimit(timeoutMs: number, { patienceMs }: BuiltChain): number {
  return timeoutMs === 0 ? 0 : Math.max(timeoutMs, patienceMs);
}

async function describeSettings(settings: Route['settings'], scope: ChainScope): Promise<readonly string[]> {
  if (settings === undefined) return [];
  const { settingsInWords } = await import('./explain-words.js'); // only explain asks
  return settingsInWords(settings, scope);
}

/**
 * Remembers how each attempt of a dial ended, so that a deadline that passes in the middle can say which addresses were
 * tried: the strategies themselves only see their signal abort.
 */
class AttemptLog {
  /** In the order in which they began; a list, since mostly there is one. */
  #attempts: FailedAttempt[] = [];
  /** Give this to the dial; everything goes on to the listener. */
  readonly trace: Trace;

  constructor(listener: Trace) {
    const trace: Trace = (event) => {
      this.#hear(event);
      listener(event);
    };
    this.trace = listener.isQuiet === true ? Object.assign(trace, { isQuiet: true }) : trace;
  }

  #hear(event: TraceEvent): void {
    if (event.event === 'attempt') this.#note(event.address, 'no answer');
    else if (event.event === 'attempt-failed') this.#note(event.address, event.reason);
    else if (event.event === 'connected') this.#note(event.address, undefined);
  }

  #note(address: string, reason: string | undefined): void {
    const known = this.#find(address);
    if (reason === undefined) {
      if (known !== -1) this.#attempts.splice(known, 1);
    } else if (known === -1) this.#attempts = withAdded(this.#attempts, { address, reason });
    else this.#attempts[known] = { address, reason };
  }

  /** A loop, since every dial comes here twice and more. */
  #find(address: string): number {
    for (let at = 0; at < this.#attempts.length; at++) if (this.#attempts[at]?.address === address) return at;
    return -1;
  }

  /** The error with the attempts in it, if it is a deadline's and has none. */
  explain(error: FdpassError): FdpassError {
    if (error.code !== 'timeout' || this.#attempts.length === 0) return error;
    return addDetails(error, { attempts: this.#attempts });
  }
}
