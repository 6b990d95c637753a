/*
 * For programs that compose a framework: the command, an agent, programs that embed fdpass.
 */

export type { Config, LoadedRules, LoadOptions, NamedPlugin } from './config/load.js';
export { type ConfigCache, configPath } from './config/places.js';
export { type ConfigSearch, inspectSearch } from './config/unread.js';
export { killGroup } from './connection/child.js';
export { describeGreeting, type Greeting } from './dial/describe-greeting.js';
export { OwningDial, ownConnection } from './dial/dialer.js';
export { SETTING_KEYS } from './dial/settings.js';
export { StoredWinners, type WinnerStore } from './dial/stored-winners.js';
export { KeptWinners } from './dial/winners.js';
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
export type { LateOptions } from './embed/late-socket.js';
export { readySocket } from './embed/ready-socket.js';
export type { ConditionsInput, HopInput, RuleInput, RulesInput, UseInput } from './embed/rules-input.js';
export { type ConfigProblem, type ConfigReport, checkConfig } from './framework/check.js';
export { configFiles } from './framework/config-files.js';
export {
  type ConfigFiles,
  type ConfigStore,
  type Framework,
  type FrameworkParts,
  TOKENS,
} from './framework/framework.js';
export { importFile } from './framework/import-file.js';
export { loadFramework } from './framework/load-framework.js';
export { makeAbortable, onAbort } from './ground/abortable.js';
export { beforeDeath, prepareForDeath } from './ground/before-death.js';
export { formatMs, parseDuration } from './ground/clock.js';
export { isDigits } from './ground/digits.js';
export { addDetails, errorCodeOf, exitCodeOf, formatWhere, stackOf } from './ground/errors.js';
export {
  currentFolder,
  expandPath,
  type FileInspection,
  type FileStamp,
  homeFolder,
  inspectFile,
  readTrustedFile,
  stampOfFile,
} from './ground/files.js';
export { makePrivateFolder, openLog, readOwnFile, replaceFile, stateFolder, userFolder } from './ground/own-files.js';
export { receivedError, type SentError, sendableError } from './ground/sent-error.js';
export { quoteUnknown } from './ground/shown.js';
export { asNodeError, isOutOfDescriptors } from './ground/system-error.js';
export { didYouMean, nearest } from './ground/text.js';
export { type BetweenOptions, openPipes, relayBetween } from './handover/between.js';
export { relayOver } from './handover/caller.js';
export {
  type Channel,
  type ChannelKind,
  channelKind,
  type Handover,
  openChannel,
  outputStream,
} from './handover/channel.js';
export { type DetachedOptions, dialDetached, runDetached } from './handover/detached.js';
export {
  dialPassable,
  dialToPass,
  type HandOverOptions,
  handOver,
  type PassableDial,
  type RelayRequest,
} from './handover/hand-over.js';
export type { RelayResult } from './handover/relay.js';
export type { PipePool } from './handover/store.js';
export { configJsonSchema, type JsonSchema, optionsJsonSchema } from './json-schema/json-schema.js';
export { describeNetwork } from './lookup/network.js';
export {
  createResolver,
  type Lookup,
  libcResolver,
  type RememberingResolver,
  type Resolver,
  rememberLookups,
} from './lookup/resolver.js';
export { askSecret } from './proxy/ask.js';
export { KeptConnections } from './proxy/standby.js';
export type { BuiltChain, HopSummary, RouteSummary } from './routing/chain.js';
export { guardDialer, lendChain } from './routing/guard.js';
export { readHop } from './routing/hop-text.js';
export type { DialOptions, Explanation, Route, RouteOptions, Router, RuleConditions } from './routing/router.js';
export { createStrategyHost, DEFAULT_SERVICES, type HostPlace, type HostServices } from './routing/strategy-host.js';
export { type Answers, SharedAnswers } from './rules/answers.js';
export type { ConditionOutcome } from './rules/conditions.js';
export { exactSubject, matchPatterns } from './rules/pattern.js';
export { profileFile, readProfile } from './rules/profile.js';
export { StrategyRegistry } from './strategy/registry.js';
export { loadSchema } from './strategy/strategy.js';
