import { fileURLToPath } from 'node:url';

/** The commands as a clone has them after the build. */
export const FDPASS: string = fileURLToPath(new URL('../../../bin/fdpass', import.meta.url));
export const FDRECV: string = fileURLToPath(new URL('../../../bin/fdrecv', import.meta.url));

/** An environment in which no proxy and no config of the user's takes part. */
export const CLEAN: NodeJS.ProcessEnv = {
  FDPASS_CONFIG: undefined,
  XDG_CONFIG_HOME: '/nonexistent',
  ALL_PROXY: undefined,
  all_proxy: undefined,
  HTTPS_PROXY: undefined,
  https_proxy: undefined,
  NO_PROXY: undefined,
  no_proxy: undefined,
};

/** Options for ssh that let `fdpass` with these arguments open its connection. */
export function proxyOptions(...args: readonly string[]): Readonly<Record<string, string>> {
  const words = [FDPASS, ...args].map((word) => `'${word.replaceAll('%', '%%')}'`);
  return { ProxyCommand: `${words.join(' ')} %h %p`, ProxyUseFdpass: 'yes' };
}
