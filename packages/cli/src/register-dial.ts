import { type Connection, makeTarget } from '@fdpass/core';
import { asNodeError, type Framework, loadFramework } from '@fdpass/core/host';
import { happyEyeballs } from '@fdpass/strategy-happy-eyeballs';
import { BUILTIN } from './builtin.js';

let loading: Promise<Framework> | undefined;

/** Dials by the rules of the user's config. @throws the error that `net.connect` would give, with the dial's as its `cause`. */
export async function dialByRules(
  target: { readonly host: string; readonly port: number },
  signal: AbortSignal,
): Promise<Connection> {
  try {
    const { router } = await loaded();
    const route = await router.route(makeTarget(target));
    return await router.dial(route, { signal });
  } catch (error) {
    throw asNodeError(error);
  }
}

/** Once for the program. What was wrong with a config can be mended before the next dial. */
function loaded(): Promise<Framework> {
  if (loading === undefined) {
    loading = loadFramework({ strategies: BUILTIN, defaultStrategy: happyEyeballs.name });
    loading.catch(() => {
      loading = undefined;
    });
  }
  return loading;
}
