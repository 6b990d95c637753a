import { type FdpassError, formatError } from '@fdpass/core';
import { inspectSearch } from '@fdpass/core/host';
import { type Arguments, usage } from './arguments.js';
import { builtinFramework } from './command-framework.js';
import { REACHED_DIRECTLY, searchLines } from './config-search.js';
import { print } from './print.js';
import { FDPASS } from './usage.js';

const EXIT_CONFIG = 78;

/** `fdpass check [FILE]`: reads the config, builds every rule's route, and shows all that is wrong. Returns the exit code. */
export async function check(args: Arguments): Promise<number> {
  const [operand, ...extra] = args.operands;
  if (extra.length > 0) throw usage(FDPASS, `too many operands: ${JSON.stringify(extra[0])}`);
  const file = operand ?? args.value('config');
  const { config, router } = await builtinFramework(file === undefined ? {} : { file });
  const errors = await router.check();
  if (args.flag('json')) {
    const problems = errors.map(({ code, message, hint, rule, hop }) => ({ code, message, hint, rule, hop }));
    await print(
      `${JSON.stringify({ file: config?.file ?? null, sources: config?.sources ?? [], problems }, null, 2)}\n`,
    );
  } else {
    await report(config?.sources, config?.rules.length ?? 0, errors);
  }
  return errors.length === 0 ? 0 : EXIT_CONFIG;
}

async function report(
  sources: readonly string[] | undefined,
  rules: number,
  errors: readonly FdpassError[],
): Promise<void> {
  if (sources === undefined) {
    await print([`no configuration: all hosts ${REACHED_DIRECTLY}`, ...searchLines(inspectSearch()), ''].join('\n'));
  } else if (errors.length === 0) {
    await print(`${sources.join(', ')}: ${rules} ${rules === 1 ? 'rule' : 'rules'}, no error\n`);
  }
  for (const error of errors) process.stderr.write(`fdpass: ${formatError(error)}\n`);
}
