/*
 * For authors of strategies. A first plugin needs none of it: what it needs comes with the host that `create` is given.
 */
export type { Connection, Missing } from './connection/connection.js';
export type { SocketAddress } from './connection/open.js';
export type { KeepAlive, SocketOptions } from './connection/socket-options.js';
export type { SpawnForward } from './connection/spawn.js';
export type { Candidate } from './dial/attempt.js';
export type { Chain, DialContext, Dialer, TlsPlace } from './dial/dialer.js';
export { allFailed, connectFailed, type Failure } from './dial/failures.js';
export type { Lifetime } from './dial/lifetime.js';
export type { Candidates, RaceOptions } from './dial/race.js';
export type { ResolvePlace } from './dial/settings.js';
export { lastFirst, type Winner, type Winners } from './dial/winners.js';
export { whenAborted } from './ground/abortable.js';
export { type Clock, type Deadline, pause, startDeadline, systemClock } from './ground/clock.js';
export {
  type ErrorCode,
  type ErrorDetails,
  type FailedAttempt,
  FdpassError,
  formatError,
  isFdpassError,
} from './ground/errors.js';
export { canonicalAddress, ipFamily, ipv4Bytes, ipv6Bytes } from './ground/ip.js';
export { promiseOf } from './ground/promise-of.js';
export { makeTarget, normalizeHost, parsePort } from './ground/read-target.js';
export { isHeaderName, showHost, showUrl } from './ground/shown.js';
export { errnoName, fromSystemError, reasonOf } from './ground/system-error.js';
export { formatHostPort, type Target, type TargetKind, targetKind, unixPath } from './ground/target.js';
export { messageOf, octetsOf, oneLine } from './ground/text.js';
export { fillTokens } from './ground/tokens.js';
export { type DialMark, noTrace, type Trace, type TraceEvent } from './ground/trace.js';
export { fdpassVersion } from './ground/version.js';
export { AddressOrder } from './lookup/address-order.js';
export { allowedFamily, literalAddress } from './lookup/look-up.js';
export { type Family, type HostAddress, isNoAddress } from './lookup/resolver.js';
export { socketOptionEntries } from './options/socket.js';
export {
  commandLine,
  commandTemplate,
  delay,
  duration,
  family,
  hostText,
  named,
  pathText,
  port,
  routeList,
  routeSchema,
  targetName,
  urlText,
} from './options/values.js';
export type { CredentialOptions, CredentialRequest, Credentials } from './proxy/credentials.js';
export { type ExpectedAnswer, firstAnswer, hintAtPeer } from './proxy/first-answer.js';
export { type HandshakeReport, handshakeReport } from './proxy/handshake-report.js';
export {
  checkWarm,
  hasCredentials,
  type ProxyReach,
  type ProxyScheme,
  type ProxyUrl,
  reachProxy,
  readProxyUrl,
  tunnelThrough,
  type WarmProxy,
} from './proxy/proxy.js';
export { credentialsSchema, tlsSchema, warmSchema } from './proxy/schema.js';
export type { Prepared, Standby, StandbyRequest } from './proxy/standby.js';
export type { TlsDefaults, TlsOptions } from './proxy/tls.js';
export { type ProxyTraits, proxyTraits } from './proxy/tls-place.js';
export {
  type LazyStrategy,
  type RunOptions,
  type SchemaIssue,
  type SchemaResult,
  type SpawnOptions,
  STRATEGY_API_VERSION,
  type StandardSchema,
  type Strategy,
  type StrategyEntry,
  type StrategyHost,
  type StrategyTraits,
} from './strategy/strategy.js';
