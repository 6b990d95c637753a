/** A proxy, and the variable that names it. */
export interface ProxyChoice {
  /** Its URL. */
  readonly proxy: string;
  /** As it is spelt in the environment. */
  readonly variable: string;
}

/** The variables of one environment that say which proxy to use; lower case wins, as in curl. */
export interface ProxyVariables {
  readonly all: ProxyChoice | undefined;
  readonly https: ProxyChoice | undefined;
  readonly no: { readonly entries: string; readonly variable: string };
}

/** Reads ALL_PROXY, HTTPS_PROXY and NO_PROXY (curl(1), ENVIRONMENT). An empty variable counts as not set. */
export function readVariables(env: Readonly<Record<string, string | undefined>>): ProxyVariables {
  const spelling = (name: string): string | undefined => [name, name.toUpperCase()].find((variable) => env[variable]);
  const read = (name: string): ProxyChoice | undefined => {
    const variable = spelling(name);
    return variable === undefined ? undefined : { proxy: withScheme(env[variable] ?? ''), variable };
  };
  const variable = spelling('no_proxy') ?? 'NO_PROXY';
  return { all: read('all_proxy'), https: read('https_proxy'), no: { entries: env[variable] ?? '', variable } };
}

/** curl's default. */
function withScheme(proxy: string): string {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(proxy) ? proxy : `http://${proxy}`;
}

const HTTPS_PORT = 443;

/** The proxy for a port: HTTPS_PROXY is the one meant for 443; for any other port it counts if ALL_PROXY is not set. */
export function chooseProxy({ all, https }: ProxyVariables, port: number): ProxyChoice | undefined {
  return port === HTTPS_PORT ? (https ?? all) : (all ?? https);
}
