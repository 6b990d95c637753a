import type { Dialer } from '../dial/dialer.js';
import { addDetails, FdpassError, isFdpassError, messageOf } from '../ground/errors.js';
import { redactOptions } from '../ground/redact.js';
import type { SocketOptions } from '../options/socket.js';
import type { StrategyRegistry } from '../strategy/registry.js';
import type { SchemaIssue } from '../strategy/standard-schema.js';
import type { Strategy, StrategyHost } from '../strategy/strategy.js';
import { guardDialer } from './guard.js';
import { type Hop, type HopScope, resolveHops } from './hop.js';

/** What every chain of one framework is built with. */
export interface ChainScope extends HopScope {
  readonly registry: StrategyRegistry;
  readonly socketDefaults: SocketOptions;
  /** The strategy that reaches the first proxy of a chain, and targets that no rule matches. */
  readonly defaultStrategy: string;
}

/** A `use` value made ready to dial. */
export interface Chain {
  /** In travel order, for people to read. */
  readonly hops: readonly HopSummary[];
  /** Dials through all of them. */
  readonly dialer: Dialer;
}

/** One hop as `explain` shows it. */
export interface HopSummary {
  /** The strategy's name. */
  readonly strategy: string;
  /** What the config calls it; without secrets. */
  readonly label: string;
  /** The hop's options with secrets masked. */
  readonly options: unknown;
}

/** Where a chain begins: at the network, or at the dialer of the hops that lie before it. */
interface Base {
  readonly forward: Dialer | undefined;
}

const NETWORK: Base = { forward: undefined };

/** Builds the dialer of a `use` value: each strategy dials through the one before it. @throws FdpassError `config` */
export async function buildChain(use: unknown, baseDir: string, scope: ChainScope): Promise<Chain> {
  const hops = resolveHops(use, baseDir, scope);
  return { hops: hops.map(summarize), dialer: await connectHops(hops, NETWORK, scope) };
}

function summarize(hop: Hop): HopSummary {
  return { strategy: hop.entry.name, label: hop.label, options: redactOptions(hop.options) };
}

async function connectHops(hops: readonly Hop[], base: Base, scope: ChainScope): Promise<Dialer> {
  let position = base;
  for (const hop of hops) position = { forward: await createDialer(hop, position, scope) };
  if (position.forward === undefined) throw new FdpassError('internal', 'a chain without a hop');
  return position.forward;
}

async function createDialer(hop: Hop, base: Base, scope: ChainScope): Promise<Dialer> {
  try {
    const strategy = await scope.registry.load(hop.entry);
    if (strategy.opensSockets === true && base.forward !== undefined) throw notFirst(hop);
    const options = await checkOptions(strategy, hop.options);
    const nested: Promise<unknown>[] = [];
    const forward = base.forward ?? (strategy.opensSockets === true ? NO_FORWARD : await defaultDialer(scope));
    const dialer = strategy.create(options, forward, hostFor(hop, base, scope, nested));
    await Promise.all(nested);
    return guardDialer(dialer, hop.label, scope.registry.blame(hop.entry));
  } catch (error) {
    throw inHop(error, hop, scope.registry.blame(hop.entry));
  }
}

/** The default strategy with no options, for the first proxy of a chain. */
function defaultDialer(scope: ChainScope): Promise<Dialer> {
  const entry = scope.registry.entry(scope.defaultStrategy);
  return createDialer({ entry, options: {}, label: entry.name, baseDir: '/', path: [] }, NETWORK, scope);
}

const NO_FORWARD: Dialer = {
  dial: () => Promise.reject(new FdpassError('internal', 'a strategy that opens sockets itself has no forward dialer')),
};

function notFirst(hop: Hop): FdpassError {
  return new FdpassError(
    'config',
    `${hop.entry.name} opens sockets itself, so it can only be the first hop of a chain`,
    {
      hint: 'move it to the front or leave it out: hops stand in travel order',
    },
  );
}

async function checkOptions(strategy: Strategy, options: Hop['options']): Promise<unknown> {
  const schema = strategy.optionsSchema;
  if (schema === undefined) return Object.freeze({ ...options });
  const result = await schema['~standard'].validate(options);
  if (result.issues === undefined) return freezeDeep(result.value);
  throw new FdpassError('config', result.issues.map(describeIssue).join('; '), {
    hint: `see: fdpass strategies ${strategy.name}`,
  });
}

function describeIssue(issue: SchemaIssue): string {
  const path = (issue.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part)).join('.');
  return path === '' ? issue.message : `option ${JSON.stringify(path)}: ${issue.message}`;
}

function freezeDeep<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value) && !ArrayBuffer.isView(value)) {
    Object.freeze(value);
    Object.values(value).forEach(freezeDeep);
  }
  return value;
}

/**
 * What a strategy may ask for while it is created. Nested routes are compiled in the background, because schemas and
 * plugin code may load asynchronously; the chain is not used before all of them are there.
 */
function hostFor(hop: Hop, base: Base, scope: ChainScope, nested: Promise<unknown>[]): StrategyHost {
  const route = (use: unknown): Dialer => {
    let compiled: Dialer | undefined;
    const ready = () => compiled ?? NO_FORWARD;
    nested.push(
      Promise.resolve()
        .then(() => connectHops(resolveHops(use, hop.baseDir, scope, hop.path), base, scope))
        .then((dialer) => {
          compiled = dialer;
        }),
    );
    return {
      dial: (target, context) => ready().dial(target, context),
      get needsRelay() {
        return ready().needsRelay === true;
      },
    };
  };
  return { socketDefaults: scope.socketDefaults, baseDir: hop.baseDir, route };
}

function inHop(error: unknown, hop: Hop, who: string): FdpassError {
  if (isFdpassError(error)) return addDetails(error, { hop: hop.label });
  const message = `${who} failed to start: ${messageOf(error)}`;
  return new FdpassError('config', message, { hop: hop.label, cause: error });
}
