export { allFailed, type LostWay } from './all-failed.js';
export { type Clock, systemClock } from './clock.js';
export type { ConfigCache } from './config/cache.js';
export type { Config, LoadOptions } from './config/load.js';
export { composeFramework, type Framework, type FrameworkParts } from './container.js';
export type { Credentials } from './credentials/credentials.js';
export { type CredentialRequest, resolveCredentials } from './credentials/resolve.js';
export { type CredentialOptions, credentialsSchema } from './credentials/schema.js';
export { type Deadline, formatMs, startDeadline } from './deadline.js';
export type { DialContext, Dialer } from './dialer.js';
export { duration, parseDuration } from './duration.js';
export type {
  ConnectionDialer,
  CreateDialerOptions,
  DialerDialOptions,
  DialerEvents,
  DialerParts,
  ProgressEvent,
  TargetInput,
} from './embedding/connection-dialer.js';
export { createDialer } from './embedding/create-dialer.js';
export { readySocket } from './embedding/ready-socket.js';
export type { RuleInput, RulesInput, UseInput } from './embedding/rules-input.js';
export {
  addDetails,
  type ErrorCode,
  type ErrorDetails,
  exitCodeOf,
  type FailedAttempt,
  FdpassError,
  formatError,
  isFdpassError,
  messageOf,
  oneLine,
} from './errors.js';
export { type ChannelKind, channelKind, chooseHandover, type Handover } from './handover/choose.js';
export { canPass, type PassableStream, passSocket } from './handover/descriptor.js';
export { type DetachedOptions, dialDetached, runDetached } from './handover/detached.js';
export { type RelayResult, type RelaySide, relay } from './handover/relay.js';
export { ipv4Bytes, ipv6Bytes } from './ip-bytes.js';
export { ipFamily } from './ip-family.js';
export { configJsonSchema, type JsonSchema, optionsJsonSchema } from './json-schema.js';
export { libcResolver } from './libc-lookup.js';
export { nearest } from './nearest.js';
export { redactOptions, redactUrl } from './redact.js';
export { type StrategyEntry, StrategyRegistry } from './registry.js';
export {
  allowedFamily,
  createResolver,
  type Family,
  type HostAddress,
  isNoAddress,
  type Lookup,
  literalAddress,
  lookUp,
  type Resolver,
  systemResolver,
} from './resolve.js';
export { routeSchema } from './route-schema.js';
export type { Chain, HopSummary } from './routing/chain.js';
export { type Explanation, explainRoute } from './routing/explanation.js';
export { type DialOptions, type Route, Router } from './routing/router.js';
export { formatAddress, type SocketAddress } from './sockets/address.js';
export { adoptFd, detachFd, isPlainSocket, isUntouched } from './sockets/detach.js';
export { FdStream } from './sockets/fd-stream.js';
export { type HandshakeResult, handshake } from './sockets/handshake.js';
export { type OpenContext, openSocket } from './sockets/open-socket.js';
export { type KeepAlive, type SocketOptions, socketOptionEntries, socketOptionsSchema } from './sockets/options.js';
export type { Peer } from './sockets/peer.js';
export type { SchemaIssue, SchemaResult, StandardSchema } from './standard-schema.js';
export { type LazyStrategy, STRATEGY_API_VERSION, type Strategy, type StrategyHost } from './strategy.js';
export { describeFd, type FdAddress, type FdDescription, formatFdAddress, isUnixSocket } from './sys/fd-info.js';
export { loadSys } from './sys/koffi.js';
export { recvFd } from './sys/recv-fd.js';
export { type FdTransferOptions, sendFd, setBlocking } from './sys/send-fd.js';
export type { Sys } from './sys/sys.js';
export { errnoName, fromSystemError, reasonOf } from './system-error.js';
export { formatHostPort, makeTarget, normalizeHost, parsePort, type Target } from './target.js';
export { type TlsOptions, tlsSchema } from './tls/schema.js';
export { explainTlsFailure, type TlsRequest, wrapTls } from './tls/wrap.js';
export { noTrace, type Trace, type TraceEvent } from './trace.js';
export { dialUnix, type OpenUnix, unixPath } from './unix-target.js';
