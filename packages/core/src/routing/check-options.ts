import type { StrategyRegistry } from '../strategy/registry.js';
import { isLazySchema, loadSchema, type Strategy } from '../strategy/strategy.js';
import type { Hop } from './hop.js';

/**
 * The options of a hop, checked and converted by its strategy's schema, and frozen.
 *
 * @throws FdpassError `config` that says which options are wrong and where, and repeats no value. If there are several, its
 * cause is an AggregateError of all.
 */
export async function checkOptions(strategy: Strategy, hop: Hop, registry: StrategyRegistry): Promise<unknown> {
  const { options } = hop;
  const isEmpty = Object.keys(options).length === 0;
  const schema = isEmpty && isLazySchema(strategy.optionsSchema) ? undefined : await loadSchema(strategy);
  if (schema === undefined) return Object.freeze({ ...options });
  const result = await schema['~standard'].validate(options);
  if (result.issues === undefined) return freezeDeep(result.value);
  const { refuseOptions } = await import('./option-errors.js');
  return refuseOptions(result.issues, hop, registry);
}

function freezeDeep<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value) && !ArrayBuffer.isView(value)) {
    Object.freeze(value);
    Object.values(value).forEach(freezeDeep);
  }
  return value;
}
