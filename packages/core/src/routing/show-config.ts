import type { Config } from '../config/load.js';
import { isShownName, MASK, showInterface } from '../ground/shown.js';
import { CONDITION_KEYS, type ConditionSet, type Conditions } from '../rules/condition.js';
import type { PatternList } from '../rules/pattern.js';
import { showCondition, showPattern } from '../rules/show-condition.js';
import type { HopScope } from './hop.js';
import { showSettings, showUse } from './show-hops.js';

/** Whether everything of a config can be shown. What is masked can be a secret. */
export async function isShownConfig(config: Config, scope: HopScope): Promise<boolean> {
  const { hops, rules, defaults } = config;
  const { bindInterface } = defaults.socket;
  const areNamesShown =
    [...hops.keys()].every(isShownName) &&
    rules.every(({ name }) => name === undefined || isShownName(name)) &&
    rules.every(({ host, user, alias }) => [host, user, alias].every(arePlain)) &&
    rules.every(({ conditions }) => areShown(conditions)) &&
    (bindInterface === undefined || showInterface(bindInterface) === bindInterface);
  const settings = rules.map((rule) => isShown({ ...rule.settings }, (written) => showSettings(written, scope)));
  const routes = [...rules.map(({ use }) => use), ...[...hops.values()].map(({ spec }) => spec)];
  const uses = routes.map((use) => isShown(use, (written) => showUse(written, scope)));
  return areNamesShown && (await Promise.all([...settings, ...uses])).every(Boolean);
}

async function isShown<T>(written: T, show: (written: T) => Promise<unknown>): Promise<boolean> {
  try {
    return JSON.stringify(await show(written)) === JSON.stringify(written);
  } catch {
    return false; // the code of a strategy cannot be loaded, which matters only to who uses it
  }
}

function arePlain(patterns: PatternList = []): boolean {
  return patterns.every(({ source }) => showPattern(source) === source);
}

function areShown({ not = {}, ...own }: Conditions = {}): boolean {
  return [own as ConditionSet, not].every((set) =>
    CONDITION_KEYS.every((key) => !showCondition(key, set[key]).includes(MASK)),
  );
}
