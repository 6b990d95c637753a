import { composeFramework, type Framework, type LoadOptions, type Strategy } from '@fdpass/core';
import { direct } from '@fdpass/strategy-direct';
import { env } from '@fdpass/strategy-env';
import { happyEyeballs } from '@fdpass/strategy-happy-eyeballs';
import { httpConnect } from '@fdpass/strategy-http-connect';
import { socks } from '@fdpass/strategy-socks';

/** The strategies that come with the command. What is heavy in them (TLS, hashes) they load when it is needed. */
const BUILTIN: readonly Strategy[] = [direct, env, happyEyeballs, httpConnect, socks];

/** The framework of the commands: the built-in strategies, and Happy Eyeballs where no rule says otherwise. */
export function builtinFramework(config: LoadOptions | false): Framework {
  return composeFramework({ strategies: BUILTIN, defaultStrategy: happyEyeballs.name, config });
}
