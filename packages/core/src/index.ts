export type { ConfigCache } from './cold-start/config-cache.js';
export type { Config, LoadOptions } from './config/load.js';
export { formatAddress, type SocketAddress } from './connection/address.js';
export { adoptFd, detachFd, isPlainSocket, isUntouched } from './connection/detach.js';
export { FdStream } from './connection/fd-stream.js';
export { type HandshakeResult, handshake } from './connection/handshake.js';
export { type OpenContext, openSocket } from './connection/open.js';
export type { Peer } from './connection/peer.js';
export { dialUnix, type OpenUnix, unixPath } from './connection/unix-target.js';
export type { DialContext, Dialer } from './dial/dialer.js';
export { allFailed, type LostWay } from './dial/failures.js';
export type {
  ConnectionDialer,
  CreateDialerOptions,
  DialerDialOptions,
  DialerEvents,
  DialerParts,
  ProgressEvent,
  TargetInput,
} from './embed/connection-dialer.js';
export { createDialer } from './embed/create-dialer.js';
export { readySocket } from './embed/ready-socket.js';
export type { RuleInput, RulesInput, UseInput } from './embed/rules-input.js';
export { composeFramework, type Framework, type FrameworkParts } from './framework/framework.js';
export { type Clock, systemClock } from './ground/clock.js';
export { type Deadline, formatMs, startDeadline } from './ground/deadline.js';
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
} from './ground/errors.js';
export { ipv4Bytes, ipv6Bytes } from './ground/ip-bytes.js';
export { ipFamily } from './ground/ip-family.js';
export { redactOptions, redactUrl } from './ground/redact.js';
export { errnoName, fromSystemError, reasonOf } from './ground/system-error.js';
export { formatHostPort, makeTarget, normalizeHost, parsePort, type Target } from './ground/target.js';
export { nearest } from './ground/text.js';
export { noTrace, type Trace, type TraceEvent } from './ground/trace.js';
export { type ChannelKind, channelKind, chooseHandover, type Handover } from './handover/channel.js';
export { canPass, type PassableStream, passSocket } from './handover/descriptor.js';
export { type DetachedOptions, dialDetached, runDetached } from './handover/detached.js';
export { type RelayResult, type RelaySide, relay } from './handover/relay.js';
export { configJsonSchema, type JsonSchema, optionsJsonSchema } from './json-schema/json-schema.js';
export { libcResolver } from './lookup/libc-lookup.js';
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
} from './lookup/resolver.js';
export { routeSchema } from './options/route-schema.js';
export { type KeepAlive, type SocketOptions, socketOptionEntries, socketOptionsSchema } from './options/socket.js';
export { duration, parseDuration } from './options/values.js';
export { type CredentialRequest, resolveCredentials } from './proxy/credentials.js';
export { type CredentialOptions, credentialsSchema } from './proxy/credentials-schema.js';
export type { Credentials } from './proxy/credentials-type.js';
export { explainTlsFailure, type TlsRequest, wrapTls } from './proxy/tls.js';
export { type TlsOptions, tlsSchema } from './proxy/tls-schema.js';
export type { Chain, HopSummary } from './routing/chain.js';
export { type Explanation, explainRoute } from './routing/explanation.js';
export { type DialOptions, type Route, Router } from './routing/router.js';
export { type StrategyEntry, StrategyRegistry } from './strategy/registry.js';
export type { SchemaIssue, SchemaResult, StandardSchema } from './strategy/standard-schema.js';
export { type LazyStrategy, STRATEGY_API_VERSION, type Strategy, type StrategyHost } from './strategy/strategy.js';
export { describeFd, type FdAddress, type FdDescription, formatFdAddress, isUnixSocket } from './sys/fd-info.js';
export { loadSys } from './sys/koffi.js';
export { recvFd } from './sys/recv-fd.js';
export { type FdTransferOptions, sendFd, setBlocking } from './sys/send-fd.js';
export type { Sys } from './sys/sys.js';
