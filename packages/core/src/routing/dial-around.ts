import { expecting } from '../dial/expectation.js';
import { expectationOf } from '../dial/settings.js';
import type { Rule } from '../rules/rule.js';
import type { BuiltChain } from './chain.js';
import { checkSettings } from './check-settings.js';
import { dialAgain } from './dial-again.js';
import { splitSettings } from './hop.js';
import type { HostServices } from './strategy-host.js';

/**
 * The chain of a rule, with what the rule wants done around its dials.
 *
 * @param timeoutMs For a dial, as the rule or the config has it: for each try, if all tries have more. 0 means no limit.
 * @throws FdpassError `config`
 */
export async function dialAround(
  chain: BuiltChain,
  rule: Rule,
  services: HostServices,
  timeoutMs: number,
): Promise<BuiltChain> {
  const { before, ...written } = rule.settings ?? {};
  const settings = await checkSettings(splitSettings(written, rule).settings);
  const expectation = expectationOf(settings);
  const looking: BuiltChain = {
    ...chain,
    prepare: before === undefined ? undefined : await preparing(before, rule, services),
    dial: (target, context) => chain.dial(target, expecting(context, expectation)),
  };
  const { retry } = settings;
  if (retry === undefined) return looking;
  const isRaised = timeoutMs > 0 && (retry.withinMs ?? 0) > timeoutMs;
  const tries = { ...retry, timeoutMs: retry.timeoutMs ?? (isRaised ? timeoutMs : undefined) };
  return {
    ...looking,
    dial: dialAgain(looking.dial, tries, services),
    patienceMs: Math.max(chain.patienceMs, retry.withinMs ?? 0),
  };
}

async function preparing(before: unknown, { baseDir }: Rule, services: HostServices): Promise<BuiltChain['prepare']> {
  const { readBefore, runBefore } = await import('./before.js'); // few rules run anything
  return runBefore(readBefore(before), baseDir, services);
}
