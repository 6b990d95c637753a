import type { Check } from './finding.js';
import { isAboutPlugin, problemFinding } from './problem.js';

/** The plugins of the configuration: whether they can be trusted and loaded, and are made for this version. */
export const plugins: Check = {
  name: 'plugins',
  async run(around) {
    const { config, problems } = await around.report();
    const findings = problems.filter((problem) => isAboutPlugin(problem, config)).map(problemFinding);
    const count = config?.plugins.length ?? 0;
    const works = count - findings.length;
    const fact = count === 0 ? 'none' : `${works} of ${count} can be loaded`;
    return { facts: [fact], findings };
  },
};
