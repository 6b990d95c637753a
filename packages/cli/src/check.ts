import { isFdpassError, oneLine } from '@fdpass/core';
import {
  type ConfigProblem,
  type ConfigReport,
  type ConfigSearch,
  currentFolder,
  expandPath,
  formatWhere,
  inspectSearch,
  type RuleConditions,
} from '@fdpass/core/host';
import { type Arguments, checkCount } from './arguments.js';
import { builtinFramework, checkBuiltinConfig } from './command-framework.js';
import { describeConditions } from './condition-words.js';
import { REACHED_DIRECTLY, searchLines, unreadLines } from './config-search.js';
import { print } from './print.js';
import { writeStderr } from './stderr.js';
import { FDPASS } from './syntax.js';

const EXIT_CONFIG = 78;

/**
 * `fdpass check [FILE]`: reads the config, builds every rule's route, and shows everything that is wrong or probably a mistake.
 * Returns the exit code; warnings alone are not a failure.
 */
export async function check(args: Arguments): Promise<number> {
  checkCount(FDPASS, args, 1);
  const [operand] = args.operands;
  const written = operand ?? args.value('config');
  const file = written === undefined ? undefined : expandPath(written, currentFolder());
  const search = inspectSearch({ file });
  const report = await checkBuiltinConfig({ file });
  await (args.flag('json') ? printJson(report, search, file) : printText(report, search, file));
  return problemsOf(report, 'error').length === 0 ? 0 : EXIT_CONFIG;
}

function problemsOf({ problems }: ConfigReport, severity: ConfigProblem['severity']): ConfigProblem[] {
  return problems.filter((problem) => problem.severity === severity);
}

async function printJson(
  report: ConfigReport,
  { folders, unread }: ConfigSearch,
  file: string | undefined,
): Promise<void> {
  const { config } = report;
  const answer = {
    file: config?.file ?? null,
    sources: config?.sources ?? [],
    errors: problemsOf(report, 'error').map(asData),
    warnings: problemsOf(report, 'warning').map(asData),
    searched: folders,
    unread,
    conditions: (await conditionsOf(report, file)).map(({ rule, where, outcomes }) => ({
      rule,
      ...where,
      ...(isFdpassError(outcomes) ? { error: outcomes.summary } : { outcomes }),
    })),
  };
  await print(`${JSON.stringify(answer, null, 2)}\n`);
}

function asData({ error }: ConfigProblem): object {
  const { code, where, summary, hint, hop } = error;
  return { ...where, code, message: summary, hint, hop };
}

/** Problems to stderr, as compilers write them, and what they add up to on stdout. */
async function printText(report: ConfigReport, search: ConfigSearch, file: string | undefined): Promise<void> {
  for (const problem of report.problems) writeStderr(formatProblem(problem));
  const conditions = (await conditionsOf(report, file)).map(describeRuleConditions);
  const lines = [...summary(report), ...conditions, ...whatIsSearched(report, search)];
  await print(`${lines.join('\n')}\n`);
}

/** Whether the conditions of its rules hold now; nothing for a configuration that is refused. */
async function conditionsOf(report: ConfigReport, file: string | undefined): Promise<RuleConditions[]> {
  const hasConditions = report.config?.rules.some(({ conditions }) => conditions !== undefined) === true;
  if (!hasConditions || problemsOf(report, 'error').length > 0) return [];
  const { router } = await builtinFramework({ file });
  return router.checkConditions();
}

function describeRuleConditions({ rule, where, outcomes }: RuleConditions): string {
  const said = isFdpassError(outcomes) ? outcomes.summary : describeConditions(outcomes);
  return `now, rule ${rule} (${formatWhere(where)}): ${said}`;
}

/** An error or a warning in one line, as compilers write it. */
export function formatProblem({ severity, error }: ConfigProblem): string {
  const { where, hop, summary, hint } = error;
  const place = where === undefined ? FDPASS.name : formatWhere(where);
  const parts = [place, severity, hop, summary].filter((part) => part !== undefined);
  return oneLine(`${parts.join(': ')}${hint === undefined ? '' : `; ${hint}`}`);
}

function summary(report: ConfigReport): string[] {
  const { config, hasDefault } = report;
  const [errors, warnings] = [problemsOf(report, 'error'), problemsOf(report, 'warning')];
  if (isMissing(report)) return [`no configuration: all hosts ${REACHED_DIRECTLY}`];
  const found = `${counted(errors, 'error')}${warnings.length > 0 ? `, ${counted(warnings, 'warning')}` : ''}`;
  if (config === undefined) return [found];
  const line = `${config.sources.join(', ')}: ${counted(config.rules, 'rule')}, ${found}`;
  return hasDefault ? [line] : [line, `hosts without a rule ${REACHED_DIRECTLY}`];
}

function whatIsSearched(report: ConfigReport, search: ConfigSearch): string[] {
  return isMissing(report) ? searchLines(search) : unreadLines(search.unread);
}

/** Whether there is no configuration at all, rather than one that cannot be read. */
function isMissing({ config, problems }: ConfigReport): boolean {
  return config === undefined && problems.length === 0;
}

function counted(list: readonly unknown[], what: string): string {
  return `${list.length === 0 ? 'no' : list.length} ${what}${list.length === 1 ? '' : 's'}`;
}
