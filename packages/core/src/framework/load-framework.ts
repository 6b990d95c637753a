import type { DependencyContainer } from 'tsyringe';
import { configFiles } from './config-files.js';
import { composeFramework, type Framework, type FrameworkParts } from './framework.js';

/**
 * Composes a framework of its own, its config and plugins loaded: two frameworks share no state.
 *
 * @param replace Registers other parts for `TOKENS` before anything is made.
 * @throws FdpassError `config`
 */
export function loadFramework(
  parts: FrameworkParts,
  replace?: (container: DependencyContainer) => void,
): Promise<Framework> {
  return composeFramework({ files: configFiles, ...parts }, replace);
}
