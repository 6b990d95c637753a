import { FdpassError } from './errors.js';
import type { Target } from './target.js';

/** Whether {@link fillTokens} knows every token of an argument. */
export function hasKnownTokens(argument: string): boolean {
  return !/%(?![hprn%])/.test(argument.replaceAll('%%', ''));
}

/**
 * Fills the tokens of ssh_config's ProxyCommand into an argument: %h host, %p port, %r remote user, %n the name as typed,
 * %% a percent sign. They become part of one argument, regardless of what is in them: no shell sees them.
 *
 * @param option What the argument belongs to, for errors.
 * @throws FdpassError `config` for an unknown token, or one whose value was not given.
 */
export function fillTokens(argument: string, { host, port, user, alias }: Target, option: string): string {
  const values: Readonly<Record<string, string | undefined>> = {
    h: host,
    p: String(port),
    r: user,
    n: alias,
    '%': '%',
  };
  return argument.replace(/%(.?)/gs, (token, letter: string) => {
    const value = values[letter];
    if (value !== undefined) return value;
    const missing = { r: "--user '%r'", n: "--alias '%n'" }[letter];
    if (missing === undefined)
      throw new FdpassError('config', `option ${JSON.stringify(option)}: unknown token ${JSON.stringify(token)}`, {
        hint: 'use one of: %h, %p, %r, %n, %%',
      });
    throw new FdpassError('config', `option ${JSON.stringify(option)}: ${token} is not known`, {
      hint: `run fdpass with ${missing}`,
    });
  });
}
