import type { ConfigSearch } from '@fdpass/core/host';
import { REACHED_DIRECTLY } from '../config-search.js';
import { shownPath } from '../shown-path.js';
import { credentialFaults } from './credentials.js';
import { type Check, type Finding, note, warning } from './finding.js';
import { isAboutPlugin, problemFinding } from './problem.js';

/** The configuration, as "fdpass check" sees it, and files that look like one but are not read. */
export const config: Check = {
  name: 'config',
  async run(around) {
    const { config: read, problems } = await around.report();
    const told = new Set((await credentialFaults(around)).map(({ summary }) => summary));
    const own = problems.filter((problem) => !isAboutPlugin(problem, read) && !told.has(problem.error.summary));
    const count = read?.rules.length ?? 0;
    const rules = read && `${shownPath(read.file)}: ${count} ${count === 1 ? 'rule' : 'rules'}`;
    const missing = problems.length === 0 ? `no configuration: all hosts ${REACHED_DIRECTLY}` : undefined;
    const fact = rules ?? missing;
    return {
      facts: fact === undefined ? [] : [fact],
      findings: [...own.map(problemFinding), ...nearMisses(await around.search(), read !== undefined)],
    };
  },
};

function nearMisses({ unread, folders }: ConfigSearch, hasConfig: boolean): Finding[] {
  const [folder = ''] = folders;
  return unread.map((file) => {
    const what = `${shownPath(file)} is not read`;
    if (hasConfig) return note(what, 'delete it, unless it is a copy that you want to keep');
    return warning(
      `${what}, and there is no configuration`,
      `write it as YAML or JSON, and name it ${shownPath(folder)}/config.yaml`,
    );
  });
}
