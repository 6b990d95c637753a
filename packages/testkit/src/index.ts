export { CHECK_NAMES, describeStrategy } from './compliance/describe-strategy.js';
export type { Place, StartedServer, StrategySubject } from './compliance/subject.js';
export { contextOf, firstLine, Greeter, networkChain, refusalOf, refusedPort, streamOf, testHost } from './greeter.js';
export type { Listening } from './listening.js';
export { type HttpProxyOptions, startHttpProxy } from './proxies/http-proxy.js';
export type { ProxyOptions, ProxyTls, TestProxy } from './proxies/proxy.js';
export { type SocksProxyOptions, startSocksProxy } from './proxies/socks-proxy.js';
export { readAll, type Script, ScriptedLine, type ScriptedServer, startScriptedServer } from './scripted-server.js';
export { VirtualClock } from './virtual-clock.js';
