import { fdpassVersion } from '@fdpass/core';
import { formatCommandHelp, formatHelp } from './help.js';
import { print } from './print.js';
import { FDPASS_USAGE, FDRECV_USAGE } from './usage.js';

/**
 * Prints what every command has.
 *
 * @param command Whose help: '' for that of the whole program. Undefined: the version.
 */
export async function printGeneral(program: string, command: string | undefined): Promise<void> {
  await print(command === undefined ? `${program} ${fdpassVersion()}\n` : helpOf(program, command));
}

function helpOf(program: string, command: string): string {
  const usage = program === FDRECV_USAGE.name ? FDRECV_USAGE : FDPASS_USAGE;
  const described = command === '' ? undefined : usage.commands.find(({ name }) => name === command);
  return described === undefined ? formatHelp(usage) : formatCommandHelp(usage, described);
}
