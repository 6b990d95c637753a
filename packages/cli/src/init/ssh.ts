import { FdpassError } from '@fdpass/core';
import type { Arguments } from '../arguments.js';
import { type Converter, letter, readOptions, requireTarget } from './conversion.js';

/** Options that the jump's ssh gets as they are. */
const PASSED_ON = ['F', 'i', 'o'];
const OPTIONS = [
  letter('W', 'TARGET'),
  letter('l', 'USER'),
  letter('p', 'PORT'),
  letter('J', 'HOSTS'),
  ...PASSED_ON.map((option) => letter(option, 'VALUE')),
  ...['q', 'T', 'x', 'a', 'v'].map((flag) => letter(flag)), // they change nothing for a tunnel
];

/** ssh(1) as a tunnel: `ssh -W %h:%p JUMP_HOST`, or the older `ssh JUMP_HOST nc %h %p`. */
export const ssh: Converter = (words) => {
  const args = readOptions('ssh', OPTIONS, optionsFirst(words), true);
  const [destination = '', ...remote] = args.operands;
  if (args.value('W') === undefined) requireNc(remote);
  else requireTarget([args.value('W') ?? '', ...remote].join(' ').split(':'), ':');
  const hosts = [...(args.value('J')?.split(',') ?? []), jumpHost(destination, args)];
  if (hosts.some((host) => host === '' || /[%/\s]/.test(host)))
    throw new FdpassError('config', 'its jump host is not plain');
  const sshOptions = PASSED_ON.flatMap((option) =>
    args.values(option).flatMap((value) => [`-${option}`, plain(value)]),
  );
  return { hops: [{ use: { strategy: 'jump', hosts, ...(sshOptions.length > 0 && { sshOptions }) } }] };
};

/** ssh takes options after the host too, up to the remote command. */
function optionsFirst(words: readonly string[]): readonly string[] {
  const target = words.findIndex((word) => word.startsWith('-W'));
  if (target === -1) return words;
  const taken = words[target] === '-W' ? 2 : 1;
  return [...words.slice(target, target + taken), ...words.slice(0, target), ...words.slice(target + taken)];
}

function requireNc(remote: readonly string[]): void {
  const [program = '', ...operands] = remote;
  if (!/^(.*\/)?(nc|netcat)$/.test(program)) throw new FdpassError('config', 'it is not a tunnel to %h:%p');
  requireTarget(operands.filter((word) => !/^-(q\d*|N)$/.test(word)));
}

function jumpHost(destination: string, args: Arguments): string {
  const [user, port] = [args.value('l'), args.value('p')];
  return `${user === undefined ? '' : `${user}@`}${destination}${port === undefined ? '' : `:${port}`}`;
}

/** Paths of the current directory and tokens mean nothing in a config. */
function plain(value: string): string {
  if (value.includes('%')) throw new FdpassError('config', 'an option of its ssh has a token');
  return value;
}
