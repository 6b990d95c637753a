import {
  AddressOrder,
  allowedFamily,
  type Candidate,
  type Candidates,
  type Connection,
  connectFailed,
  type DialContext,
  type FailedAttempt,
  type Failure,
  type Family,
  FdpassError,
  formatHostPort,
  type HostAddress,
  isFdpassError,
  isNoAddress,
  literalAddress,
  promiseOf,
  reasonOf,
  type SocketOptions,
  type Strategy,
  type StrategyHost,
  type Target,
  unixPath,
  whenAborted,
} from '@fdpass/core';
import type { HappyEyeballsOptions } from './options.js';

/*
 * Happy Eyeballs, version 2 (RFC 8305).
 *
 * A host may have several addresses, of two families, and any of them may be dead in the worst way: packets vanish and
 * connect() waits for minutes. Trying them one after the other makes the user wait for each dead one. Trying all at
 * once is rude to the server, which gets connections only to see them closed. The RFC's answer is a staggered race:
 *
 * 1. Ask for IPv6 and IPv4 addresses at the same time, and do not wait for both (section 3). If the family that goes
 *    first is not the first to answer, give it a little longer, the resolution delay, then go with what is there.
 * 2. Put the addresses in an order that alternates between the families (section 4; `AddressOrder` of core). The system says
 *    which family goes first (RFC 6724): IPv6, unless there is no route to it or the administrator prefers IPv4.
 * 3. Connect to the first. Whenever the connection attempt delay has passed without a success, or at once when the newest
 *    attempt has failed, start the next one, leaving the others running (section 5).
 * 4. The first to connect wins. Everything else is closed or forgotten.
 *
 * Steps 3 and 4 are `race` of core with the connection attempt delay as head start. What is left to do here is to hand it
 * the addresses in the right order, as they arrive.
 *
 * What the RFC leaves open: the delays are fixed, since there is no history of round-trip times to derive them from. Which address
 * won last time is known where the program stays, as the agent does. It then goes first, with its family (section 4).
 */

const ATTEMPT_DELAY_MS = 250;
const RESOLUTION_DELAY_MS = 50;

/** In place of an IPv4 address that is not known yet: as far from here as most are (RFC 5737). */
const ANY_IPV4: HostAddress = { family: 4, host: '192.0.2.1' };

/** A dial's settings, the same for every target. */
interface Setup {
  readonly host: StrategyHost;
  readonly options: HappyEyeballsOptions;
  readonly socket: SocketOptions;
  readonly family: Family | 0;
}

/** Races all addresses of the target, both families, by RFC 8305. */
export const happyEyeballs: Strategy<HappyEyeballsOptions> = {
  name: 'happy-eyeballs',
  firstOnly: true,
  targets: ['host', 'unix'],
  optionsSchema: async () => (await import('./options.js')).optionsSchema,
  create(options, host) {
    const { attemptDelay, resolutionDelay, attemptTimeout, firstFamily, firstFamilyCount, family, ...own } = options;
    const socket = { ...host.socketDefaults, ...own };
    const setup: Setup = { host, options, socket, family: allowedFamily(family, socket.bindAddress) };
    return { dial: (target, context) => promiseOf(() => dial(target, setup, context)) };
  },
};

function dial({ host: name, port }: Target, setup: Setup, context: DialContext): Promise<Connection> {
  const { host, options, socket } = setup;
  const timeoutMs = options.attemptTimeout;
  const only = onlyPlace(name, port, setup);
  if (only !== undefined) {
    const { label } = only;
    const lost = (failures: readonly Failure[]): FdpassError => connectFailed(label, failures);
    return host.race([only], { of: 'address', timeoutMs, lost }, context);
  }
  const place = formatHostPort(name, port);
  const winner = host.winners.of(JSON.stringify([place, setup.family, socket.bindAddress, socket.bindInterface]));
  const arriving = new ArrivingAddresses({ host: name, port }, setup, readWinner(winner.last));
  const lost = (failures: readonly Failure[]): FdpassError => arriving.lost(place, failures);
  const won = (label: string): void => {
    const address = arriving.tried.find(({ host: tried }) => formatHostPort(tried, port) === label);
    if (address !== undefined) winner.won(`${address.family} ${address.host}`);
  };
  return host.race(arriving, { of: 'address', timeoutMs, lost, won }, context);
}

/** What there is nothing to look up for: a unix socket, or an address. */
function onlyPlace(name: string, port: number, setup: Setup): Candidate<Connection> | undefined {
  const path = unixPath(name);
  if (path !== undefined) return { label: path, open: (context) => setup.host.open({ path }, {}, context) };
  const address = literalAddress(name, setup.family);
  return address && candidateOf(address, port, setup);
}

function candidateOf(address: HostAddress, port: number, { host, options, socket }: Setup): Candidate<Connection> {
  return {
    label: formatHostPort(address.host, port),
    headStartMs: options.attemptDelay ?? ATTEMPT_DELAY_MS,
    open: (context) => host.open({ family: address.family, host: address.host, port }, socket, context),
  };
}

/** An address as it is remembered: `6 2001:db8::1`. */
function readWinner(text: string | undefined): HostAddress | undefined {
  const [family, host = ''] = text?.split(' ') ?? [];
  return family === undefined ? undefined : { family: family === '4' ? 4 : 6, host };
}

/** The addresses of a name as candidates, while its look-ups are under way. */
class ArrivingAddresses implements Candidates<Connection> {
  readonly #name: string;
  readonly #port: number;
  readonly #setup: Setup;
  /** Which address won last time. */
  readonly #lastWinner: HostAddress | undefined;
  readonly #order: AddressOrder;
  /** Those that were handed out, in order. */
  readonly tried: HostAddress[] = [];
  readonly #pending: Set<Family>;
  readonly #failures: { readonly family: Family; readonly error: unknown }[] = [];
  /** Ends the resolution delay; undefined if it does not run. */
  #stopDelay: (() => void) | undefined;
  #hasStarted = false;
  /** Nobody wants an address any more. */
  #isOver = false;

  constructor({ host, port }: Target, setup: Setup, lastWinner: HostAddress | undefined) {
    this.#name = host;
    this.#port = port;
    this.#setup = setup;
    this.#lastWinner = lastWinner;
    this.#order = new AddressOrder(setup.options.firstFamilyCount ?? 1, lastWinner?.host);
    // Section 3: AAAA first, immediately followed by A.
    this.#pending = new Set(setup.family === 0 ? [6, 4] : [setup.family]);
  }

  get isOpen(): boolean {
    return this.#pending.size > 0 || this.#stopDelay !== undefined;
  }

  next(): Candidate<Connection> | undefined {
    const address = this.#stopDelay === undefined ? this.#order.next() : undefined;
    if (address === undefined) return undefined;
    this.#hasStarted = true;
    this.tried.push(address);
    return candidateOf(address, this.#port, this.#setup);
  }

  start(changed: () => void, context: DialContext): void {
    whenAborted(context, () => {
      this.#isOver = true;
      this.#endDelay();
    });
    for (const family of [...this.#pending]) {
      this.#setup.host.lookUp(this.#name, family, context).then(
        (addresses) => this.#answered(family, addresses, changed),
        (error: unknown) => {
          this.#failures.push({ family, error });
          this.#answered(family, [], changed);
        },
      );
    }
  }

  /** Section 3: an answer of the first family, good or bad, ends the resolution delay; a good one of the other starts it. */
  #answered(family: Family, addresses: readonly HostAddress[], changed: () => void): void {
    if (this.#isOver) return;
    this.#pending.delete(family);
    this.#order.add(addresses);
    if (!this.#hasStarted) this.#order.firstFamily = this.#firstFamily();
    if (!this.#pending.has(this.#order.firstFamily)) this.#endDelay();
    else if (!this.#hasStarted && addresses.length > 0) this.#delay(changed);
    changed();
  }

  /**
   * Section 4: the family that won last time, or else RFC 6724 decides. It cannot while no IPv6 address is known, so IPv4 waits
   * for one.
   */
  #firstFamily(): Family {
    const { host, options } = this.#setup;
    const known = options.firstFamily ?? this.#lastWinner?.family;
    if (known !== undefined) return known;
    const ipv6 = this.#order.peek(6);
    const ipv4 = this.#order.peek(4) ?? (this.#pending.has(4) ? ANY_IPV4 : undefined);
    return ipv6 && ipv4 && host.compareAddresses(ipv4, ipv6) < 0 ? 4 : 6;
  }

  #delay(changed: () => void): void {
    const { host, options } = this.#setup;
    this.#stopDelay ??= host.clock.after(options.resolutionDelay ?? RESOLUTION_DELAY_MS, () => {
      this.#stopDelay = undefined;
      changed();
    });
  }

  #endDelay(): void {
    this.#stopDelay?.();
    this.#stopDelay = undefined;
  }

  /** The error when nothing connected: about the addresses that were tried, or about the look-ups if there were none. */
  lost(place: string, failures: readonly Failure[]): FdpassError {
    if (failures.length > 0)
      return connectFailed(place, failures, this.#failures.filter(isWorthReporting).map(describe));
    const errors = this.#failures.map(({ error }) => error).filter(isFdpassError);
    const telling = errors.find((error) => !isNoAddress(error)) ?? (errors.length === 1 ? errors[0] : undefined);
    if (telling !== undefined) return telling;
    return new FdpassError('unknown-host', `cannot look up ${this.#name}: no such host`, {
      hint: errors[0]?.hint,
      cause: new AggregateError(errors, 'no address of either family'),
    });
  }
}

/** That a name has no IPv6 address is nothing new; that nobody could say whether it has one may be the whole trouble. */
function isWorthReporting({ error }: { readonly error: unknown }): boolean {
  return !isNoAddress(error);
}

function describe({ family, error }: { readonly family: Family; readonly error: unknown }): FailedAttempt {
  return { address: `IPv${family} look-up`, reason: reasonOf(isFdpassError(error) ? (error.cause ?? error) : error) };
}
