import type { Surroundings } from './surroundings.js';

/** A variable that names a proxy. */
export interface ProxySetting {
  /** As it is spelt. */
  readonly name: string;
  /** With a scheme, which can be left out as for curl. */
  readonly url: string;
}

/** The variables that the strategy `env` follows. */
export function proxySettings(variables: NodeJS.ProcessEnv): ProxySetting[] {
  return ['all_proxy', 'https_proxy'].flatMap((each): ProxySetting[] => {
    const name = spellingOf(each, variables);
    if (name === undefined) return [];
    const value = variables[name] ?? '';
    return [{ name, url: /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}` }];
  });
}

/** A variable in lower case, which wins, or else in upper case; undefined if neither is set. */
export function spellingOf(name: string, variables: NodeJS.ProcessEnv): string | undefined {
  return [name, name.toUpperCase()].find((each) => variables[each]);
}

/** Whether a route of the configuration follows these variables. */
export async function usesEnv(around: Surroundings): Promise<boolean> {
  const framework = await around.framework();
  const used = new Set<string>();
  await framework?.router.check({ see: ({ entry }) => void used.add(entry.name) });
  return used.has('env');
}
