import { type Arguments, checkCount, wrongWord } from '../arguments.js';
import { print } from '../print.js';
import { FDPASS } from '../syntax.js';
import { bashScript } from './bash.js';
import { CANDIDATES } from './candidates.js';
import { fishScript } from './fish.js';
import { zshScript } from './zsh.js';

const SCRIPTS: Readonly<Record<string, () => string>> = { bash: bashScript, zsh: zshScript, fish: fishScript };

/** `fdpass completion SHELL`: the script for it, which calls `fdpass completion hosts` and the like. */
export async function completion(args: Arguments): Promise<number> {
  checkCount(FDPASS, args, 1);
  const [name] = args.operands;
  const [script, candidates] = [SCRIPTS[name ?? ''], CANDIDATES[name ?? '']];
  if (script !== undefined) await print(script());
  else if (candidates !== undefined) await print((await candidates()).map((line) => `${line}\n`).join(''));
  else throw wrongWord('completion', name, Object.keys(SCRIPTS));
  return 0;
}
