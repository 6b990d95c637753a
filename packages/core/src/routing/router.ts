import type { Duplex } from 'node:stream';
import type { Config } from '../config/load.js';
import type { Clock } from '../ground/clock.js';
import { startDeadline } from '../ground/deadline.js';
import { addDetails, FdpassError, isFdpassError } from '../ground/errors.js';
import type { Target } from '../ground/target.js';
import { noTrace, type Trace } from '../ground/trace.js';
import { formatWhere, type Where } from '../ground/where.js';
import type { Resolver } from '../lookup/resolver.js';
import type { RuleTable, RuleTrial } from '../rules/rule-table.js';
import { AttemptLog } from './attempt-log.js';
import { buildChain, type Chain, type ChainScope } from './chain.js';

/** What a rule resolves to for one target. */
export interface Route {
  /** What is dialled. */
  readonly target: Target;
  /** Why this route, for a person, e.g. `rule 2 (/home/me/.config/fdpass/config.yaml:7)`. */
  readonly reason: string;
  /** The rule that chose it; undefined where none did. */
  readonly rule?: { readonly index: number; readonly name?: string | undefined; readonly where: Where };
  /** Its hops and their dialer. */
  readonly chain: Chain;
  /** Milliseconds for the whole dial, handshakes included; 0 means no limit. */
  readonly timeoutMs: number;
}

/** How one dial differs from what its route says. */
export interface DialOptions {
  /** Aborts the dial; its reason is rethrown unchanged. */
  readonly signal?: AbortSignal | undefined;
  /** Overrides the route's. 0 means no limit. */
  readonly timeoutMs?: number | undefined;
  /** Default: nobody listens. */
  readonly trace?: Trace | undefined;
}

/** What a {@link Router} is made of; {@link composeFramework} puts it together. */
export interface RouterParts {
  readonly config: Config | undefined;
  readonly table: RuleTable | undefined;
  readonly scope: ChainScope;
  readonly clock: Clock;
  /** Default: `dns.lookup`. */
  readonly resolve?: Resolver | undefined;
  /** Milliseconds, where neither the rule nor the caller says. */
  readonly timeoutMs: number;
}

/** Chooses and dials routes by the rules of one config. */
export class Router {
  readonly #parts: RouterParts;
  /** The chains of rules that have been used, by what they were written as: a dialer serves any number of dials. */
  readonly #chains = new Map<unknown, Promise<Chain>>();

  constructor(parts: RouterParts) {
    this.#parts = parts;
  }

  /** The route of the first rule that matches; without a config, or where none matches, the default strategy. @throws FdpassError `config` */
  async route(target: Target): Promise<Route> {
    const { table, scope, timeoutMs } = this.#parts;
    const found = table?.find(target);
    if (found === undefined) {
      const chain = await this.#kept(scope, () => buildChain(scope.defaultStrategy, '/', scope));
      const reason = table === undefined ? 'no configuration' : 'no rule matches';
      return { target, reason, chain, timeoutMs };
    }
    const { rule, index } = found;
    const where = rule.where();
    const reason = `rule ${index + 1}${rule.name === undefined ? '' : ` "${rule.name}"`} (${formatWhere(where)})`;
    const chain = await this.#kept(rule, () => this.#chain(rule.use, rule.baseDir, reason));
    return { target, reason, rule: { index, name: rule.name, where }, chain, timeoutMs: rule.timeoutMs ?? timeoutMs };
  }

  /** The route through hops named by hand, whatever the rules say. @throws FdpassError `config` */
  async routeVia(target: Target, use: unknown, baseDir: string): Promise<Route> {
    const chain = await this.#chain(use, baseDir, '--via');
    return { target, reason: '--via', chain, timeoutMs: this.#parts.timeoutMs };
  }

  /** Why each rule before the winner does not match, and which one wins; for `fdpass explain`. */
  trials(target: Target): readonly RuleTrial[] {
    return this.#parts.table?.explain(target) ?? [];
  }

  /** Builds every rule's chain, so that options of rules that are seldom used are checked too. Returns all errors found. */
  async check(): Promise<FdpassError[]> {
    const errors: FdpassError[] = [];
    const collect = async (use: unknown, baseDir: string, where: () => Where): Promise<void> => {
      try {
        await this.#chain(use, baseDir, formatWhere(where()));
      } catch (error) {
        errors.push(isFdpassError(error) ? error : new FdpassError('internal', String(error), { cause: error }));
      }
    };
    for (const rule of this.#parts.config?.rules ?? []) await collect(rule.use, rule.baseDir, rule.where);
    for (const hop of this.#parts.config?.hops.values() ?? []) await collect(hop.spec, hop.baseDir, hop.where);
    return errors;
  }

  /**
   * Dials a route. Resolves to a connected, paused stream that belongs to the caller.
   *
   * @throws FdpassError that names target, rule and hop; the caller's abort reason unchanged.
   */
  async dial(route: Route, options: DialOptions = {}): Promise<Duplex> {
    const { clock, resolve } = this.#parts;
    const attempts = new AttemptLog(options.trace ?? noTrace);
    const deadline = startDeadline(options.timeoutMs ?? route.timeoutMs, options.signal, clock);
    try {
      const context = { signal: deadline.signal, trace: attempts.trace, clock, ...(resolve && { resolve }) };
      return await route.chain.dialer.dial(route.target, context);
    } catch (error) {
      if (options.signal?.aborted) throw options.signal.reason;
      if (!isFdpassError(error)) throw error;
      throw attempts.explain(addDetails(error, { target: route.target, rule: route.reason }));
    } finally {
      deadline.release();
    }
  }

  /** Built once; again if that failed, since what was missing may be there the next time. */
  #kept(key: unknown, build: () => Promise<Chain>): Promise<Chain> {
    const kept = this.#chains.get(key);
    if (kept !== undefined) return kept;
    const building = build();
    this.#chains.set(key, building);
    building.catch(() => this.#chains.delete(key));
    return building;
  }

  async #chain(use: unknown, baseDir: string, rule: string): Promise<Chain> {
    try {
      return await buildChain(use, baseDir, this.#parts.scope);
    } catch (error) {
      throw isFdpassError(error) ? addDetails(error, { rule }) : error;
    }
  }
}
