/** The variables of one environment that say which proxy to use; lower case wins, as in curl. */
export interface ProxyVariables {
  readonly all: string | undefined;
  readonly https: string | undefined;
  readonly no: string;
}

/** Reads ALL_PROXY, HTTPS_PROXY and NO_PROXY (curl(1), ENVIRONMENT). An empty variable counts as not set. */
export function readVariables(env: NodeJS.ProcessEnv): ProxyVariables {
  const read = (name: string): string | undefined => env[name] || env[name.toUpperCase()] || undefined;
  return { all: read('all_proxy'), https: read('https_proxy'), no: read('no_proxy') ?? '' };
}

const HTTPS_PORT = 443;

/** The proxy for a port: HTTPS_PROXY is the one meant for 443; for any other port it is what is left if ALL_PROXY is not set. */
export function chooseProxy({ all, https }: ProxyVariables, port: number): string | undefined {
  const proxy = port === HTTPS_PORT ? (https ?? all) : (all ?? https);
  return proxy === undefined || /^[a-z][a-z0-9+.-]*:\/\//i.test(proxy) ? proxy : `http://${proxy}`; // curl's default
}
