export { type Background, type BackgroundOptions, freePort, startServer, temporaryFolder } from './background.js';
export { CHECK_NAMES, describeStrategy } from './compliance/describe-strategy.js';
export type { Place, StartedServer, StrategySubject } from './compliance/subject.js';
export { contextOf, firstLine, Greeter, networkChain, refusalOf, refusedPort, streamOf, testHost } from './greeter.js';
export type { Listening } from './listening.js';
export { type LabOptions, labUnavailable, requireLab, runInLab } from './net-lab.js';
export { findProgram, requirePeers, skip, skipOrFail } from './peers.js';
export { findPostgres, type Postgres, startPostgres } from './postgres.js';
export {
  descendants,
  expectNoDescriptorLeft,
  expectNoneLeft,
  type Finished,
  killAll,
  killMarked,
  markedEnvironment,
  markedProcesses,
  openDescriptors,
  type ProcessEntry,
  type RunOptions,
  run,
} from './processes.js';
export { type HttpProxyOptions, startHttpProxy } from './proxies/http-proxy.js';
export type { ProxyTls, TestProxy } from './proxies/proxy.js';
export { type SocksProxyOptions, startSocksProxy } from './proxies/socks-proxy.js';
export { readAll, type Script, ScriptedLine, type ScriptedServer, startScriptedServer } from './scripted-server.js';
export { type Sshd, type SshdOptions, type SshRunOptions, startSshd } from './sshd.js';
export { type SshdSuite, useSshd } from './use-sshd.js';
export { VirtualClock } from './virtual-clock.js';
