import * as v from 'valibot';
import type { DialContext } from '../dial/dialer.js';
import type { BeforeSettings } from '../dial/settings.js';
import { FdpassError, isFdpassError } from '../ground/errors.js';
import type { Target } from '../ground/target.js';
import { fillTokens } from '../ground/tokens.js';
import { beforeSchema } from '../options/before.js';
import { type HostServices, runProgram } from './strategy-host.js';

/** `before` of a rule, converted. @param written Checked. */
export function readBefore(written: unknown): BeforeSettings {
  return v.parse(beforeSchema, written);
}

/** What runs the command of a rule before its dials; it runs in the folder of the config. */
export function runBefore(
  { command, timeoutMs, terminal }: BeforeSettings,
  baseDir: string,
  services: HostServices,
): (target: Target, context: DialContext) => Promise<void> {
  return async (target, context) => {
    const argv = command.map((word) => fillTokens(word, target, 'before'));
    try {
      await runProgram({ argv, baseDir, target, timeoutMs, terminal }, context, services);
    } catch (error) {
      if (context.signal.aborted || !isFdpassError(error)) throw error;
      const { code, summary, hint } = error;
      throw new FdpassError(code, `before: ${summary}`, { hint, cause: error });
    }
  };
}
