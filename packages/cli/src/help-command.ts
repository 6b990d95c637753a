import { FdpassError } from '@fdpass/core';
import { didYouMean, quoteUnknown } from '@fdpass/core/host';
import { type Arguments, checkCount } from './arguments.js';
import { formatCommandHelp, formatHelp } from './help.js';
import { print } from './print.js';
import { FDPASS } from './usage.js';

/** `fdpass help [COMMAND]`: what `fdpass COMMAND --help` prints. */
export async function help(args: Arguments): Promise<number> {
  checkCount(FDPASS, args, 1);
  const [name] = args.operands;
  const commands = FDPASS.commands.filter((command) => command.name !== '');
  const command = commands.find((candidate) => candidate.name === name);
  if (name !== undefined && command === undefined) {
    const names = commands.map((candidate) => candidate.name);
    throw new FdpassError('usage', `there is no command ${quoteUnknown(name, names, 'of this name')}`, {
      hint: didYouMean(name, names) ?? 'see: fdpass --help',
    });
  }
  await print(command === undefined ? formatHelp(FDPASS) : formatCommandHelp(FDPASS, command));
  return 0;
}
