export { type Background, type BackgroundOptions, freePort, startServer, temporaryFolder } from './background.js';
export { alternativeNames, type CertificateFiles, makeCertificate } from './certificate.js';
export { expectDescriptorsBack } from './descriptors-back.js';
export { type DnsAnswer, DnsServer, NXDOMAIN, SERVFAIL, type Srv } from './dns-server.js';
export { type ForeignListener, listenAsOther } from './foreign-listener.js';
export { golden } from './golden.js';
export { describeInMachine } from './machine/describe-in-machine.js';
export { requireModule } from './machine/require-module.js';
export { type Machine, type MachineRunOptions, runInMachine } from './machine/run-in-machine.js';
export { type LabOptions, labUnavailable, requireLab, runInLab } from './net-lab.js';
export { findProgram, requirePeers, skip, skipOrFail } from './peers.js';
export { makePipe } from './pipe.js';
export { findPostgres, type Postgres, startPostgres } from './postgres.js';
export {
  descendants,
  expectNoDescriptorLeft,
  expectNoneLeft,
  expectNoneMarked,
  type Finished,
  killAll,
  killMarked,
  listeningSockets,
  markedEnvironment,
  markedProcesses,
  openDescriptors,
  openSocketsAndPipes,
  PATIENCE_MS,
  type ProcessEntry,
  type RunOptions,
  run,
} from './processes.js';
export { openScreen, type Screen } from './screen.js';
export { type ConnectLike, SOCKET_SCENARIOS } from './socket-scenarios.js';
export { type SquidOptions, startSquid } from './squid.js';
export { type Sshd, type SshdOptions, type SshRunOptions, sshdWithoutLimits, startSshd } from './sshd.js';
export {
  startTlsProxyServer,
  TLS_PROXY_NAMES,
  type TlsProxyServer,
  type TlsProxySettings,
} from './tls-proxies.js';
export { type SshdSuite, useSshd } from './use-sshd.js';
