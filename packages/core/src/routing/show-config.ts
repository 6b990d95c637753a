import type { Config } from '../config/load.js';
import { isShownName, showInterface } from '../ground/shown.js';
import type { PatternList } from '../rules/pattern.js';
import type { HopScope } from './hop.js';
import { showUse } from './show-hops.js';
import { showPattern } from './show-rules.js';

/** Whether everything of a config can be shown. What is masked can be a secret. */
export async function isShownConfig(config: Config, scope: HopScope): Promise<boolean> {
  const { hops, rules, defaults } = config;
  const { bindInterface } = defaults.socket;
  const areNamesShown =
    [...hops.keys()].every(isShownName) &&
    rules.every(({ name }) => name === undefined || isShownName(name)) &&
    rules.every(({ host, user, alias }) => [host, user, alias].every(arePlain)) &&
    (bindInterface === undefined || showInterface(bindInterface) === bindInterface);
  const routes = [...rules.map(({ use }) => use), ...[...hops.values()].map(({ spec }) => spec)];
  return areNamesShown && (await Promise.all(routes.map((use) => isShownUse(use, scope)))).every(Boolean);
}

async function isShownUse(use: unknown, scope: HopScope): Promise<boolean> {
  try {
    return JSON.stringify(await showUse(use, scope)) === JSON.stringify(use);
  } catch {
    return false; // the code of a strategy cannot be loaded, which matters only to who uses it
  }
}

function arePlain(patterns: PatternList = []): boolean {
  return patterns.every(({ source }) => showPattern(source) === source);
}
