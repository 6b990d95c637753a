import { expecting } from '../dial/expectation.js';
import { type DialSettings, expectationOf } from '../dial/settings.js';
import type { Rule } from '../rules/rule.js';
import { type BuiltChain, type ChainScope, dialByName } from './chain.js';
import { checkSettings } from './check-settings.js';
import { dialAgain } from './dial-again.js';
import { splitSettings } from './hop.js';
import type { HostServices } from './strategy-host.js';

/** What a rule wants done around its dials, checked and converted. @throws FdpassError `config` */
export function ruleSettings(rule: Rule): Promise<DialSettings> {
  const { before, ...written } = rule.settings ?? {};
  return checkSettings(splitSettings(written, rule).settings);
}

/**
 * The chain of a rule, with what the rule wants done around its dials.
 *
 * @param settings Of the rule, checked.
 * @param scope The chain's, which looks names up as they say.
 * @param timeoutMs For a dial, as the rule or the config has it: for each try, if all tries have more. 0 means no limit.
 */
export async function dialAround(
  chain: BuiltChain,
  rule: Rule,
  settings: DialSettings,
  scope: ChainScope,
  timeoutMs: number,
): Promise<BuiltChain> {
  const { before } = rule.settings ?? {};
  const expectation = expectationOf(settings);
  const dial = await dialByName(chain.dial, settings, scope);
  const looking: BuiltChain = {
    ...chain,
    prepare: before === undefined ? undefined : await preparing(before, rule, scope.services),
    dial: (target, context) => dial(target, expecting(context, expectation)),
  };
  const { retry } = settings;
  if (retry === undefined) return looking;
  const isRaised = timeoutMs > 0 && (retry.withinMs ?? 0) > timeoutMs;
  const tries = { ...retry, timeoutMs: retry.timeoutMs ?? (isRaised ? timeoutMs : undefined) };
  return {
    ...looking,
    dial: dialAgain(looking.dial, tries, scope.services),
    patienceMs: Math.max(chain.patienceMs, retry.withinMs ?? 0),
  };
}

async function preparing(before: unknown, { baseDir }: Rule, services: HostServices): Promise<BuiltChain['prepare']> {
  const { readBefore, runBefore } = await import('./before.js'); // few rules run anything
  return runBefore(readBefore(before), baseDir, services);
}
