import { FdpassError } from '@fdpass/core';
import { didYouMean, quoteUnknown } from '@fdpass/core/host';
import { type Arguments, checkCount } from './arguments.js';
import { formatErrorHelp, formatErrorList } from './error-help.js';
import { formatCommandHelp, formatHelp } from './help.js';
import { ALL_ERRORS, HELP_TOPICS } from './help-topics.js';
import { print } from './print.js';
import { FDPASS } from './syntax.js';
import { ERROR_STATUS, FDPASS_USAGE } from './usage.js';

/** `fdpass help [COMMAND|CODE|errors]`: what `fdpass COMMAND --help` prints, or an entry of the catalogue of errors. */
export async function help(args: Arguments): Promise<number> {
  checkCount(FDPASS, args, 1);
  await print(pageOf(args.operands[0]));
  return 0;
}

function pageOf(topic: string | undefined): string {
  if (topic === undefined) return formatHelp(FDPASS_USAGE);
  if (topic === ALL_ERRORS) return formatErrorList();
  const command = FDPASS_USAGE.commands.find(({ name }) => name !== '' && name === topic);
  if (command !== undefined) return formatCommandHelp(FDPASS_USAGE, command);
  const error = ERROR_STATUS.find(({ code }) => code === topic);
  if (error !== undefined) return formatErrorHelp(error);
  throw new FdpassError('usage', `there is no command or code ${quoteUnknown(topic, HELP_TOPICS, 'of this name')}`, {
    hint: didYouMean(topic, HELP_TOPICS) ?? 'see: fdpass --help',
  });
}
