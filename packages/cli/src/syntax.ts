/*
 * What can be on a command line: every command and option. The argument parser reads this in every start, so what help and manual
 * pages say of each is apart, in usage.ts.
 */

/** An option, as the parser needs it. */
export interface OptionSyntax {
  /** Long name without dashes. */
  readonly name: string;
  readonly short?: string;
  /** The word for its argument; a flag if there is none. */
  readonly argument?: string;
  readonly repeatable?: boolean;
  /** The environment variable that gives its value if the command line does not. */
  readonly variable?: string;
}

/** A command, as the parser needs it. */
export interface CommandSyntax {
  /** The subcommand, or '' for the connect form. */
  readonly name: string;
  readonly options: readonly string[];
  /** What can stand in each place of its operands, for completions. */
  readonly operands?: readonly Operand[];
  /** After so many operands another command begins, with options of its own. */
  readonly commandAfter?: number;
}

/** Something that a shell can complete: words of a command, or what is on the user's machine. */
export type Operand = 'host' | 'hop' | 'strategy' | 'profile' | 'file' | 'topic' | readonly string[];

/** A program, as the parser needs it. */
export interface ProgramSyntax {
  readonly name: string;
  readonly commands: readonly CommandSyntax[];
  readonly options: readonly OptionSyntax[];
}

const COMMON: readonly OptionSyntax[] = [
  { name: 'help', short: 'h' },
  { name: 'version', short: 'V' },
];

export const FDPASS: ProgramSyntax = {
  name: 'fdpass',
  commands: [
    {
      name: '',
      options: ['config', 'via', 'user', 'alias', 'timeout', 'stdio', 'fdpass', 'verbose', 'log', 'json'],
      operands: ['host'],
    },
    {
      name: 'connect',
      options: ['config', 'via', 'user', 'alias', 'timeout', 'stdio', 'fdpass', 'verbose', 'log', 'json'],
      operands: ['host'],
    },
    { name: 'explain', options: ['config', 'via', 'user', 'alias', 'no-ssh', 'json'], operands: ['host'] },
    { name: 'trace', options: ['config', 'via', 'user', 'alias', 'timeout', 'json', 'svg'], operands: ['host'] },
    { name: 'test', options: ['config', 'via', 'timeout', 'json'], operands: ['host'] },
    { name: 'doctor', options: ['config', 'timeout', 'json'], operands: ['host'] },
    { name: 'check', options: ['config', 'json'], operands: ['file'] },
    { name: 'schema', options: ['config'] },
    { name: 'strategies', options: ['json'], operands: ['strategy'] },
    { name: 'test-strategy', options: ['use', 'server', 'skip', 'watch', 'json'], operands: ['file'] },
    { name: 'init', options: ['yes', 'dry-run'] },
    { name: 'config', options: ['config'], operands: [['path', 'edit']] },
    { name: 'use', options: ['config', 'clear'], operands: ['profile'] },
    { name: 'credentials', options: ['config', 'user', 'timeout'], operands: [['set'], 'hop'] },
    { name: 'last-error', options: ['json'] },
    {
      name: 'agent',
      options: ['idle', 'listen', 'json'],
      operands: [['run', 'start', 'stop', 'status', 'reload', 'install', 'uninstall']],
    },
    {
      name: 'listen',
      options: ['config', 'via', 'timeout', 'allow-remote', 'password-file', 'verbose', 'log', 'json'],
    },
    { name: 'run', options: ['config', 'via', 'timeout', 'no-password', 'verbose', 'log'], commandAfter: 0 },
    {
      name: 'exec',
      options: ['config', 'via', 'user', 'alias', 'timeout', 'stdio', 'verbose', 'log', 'json'],
      operands: ['host'],
      commandAfter: 2,
    },
    { name: 'completion', options: [], operands: [['bash', 'zsh', 'fish']] },
    { name: 'help', options: [], operands: ['topic'] },
  ],
  options: [
    { name: 'config', short: 'c', argument: 'FILE' },
    { name: 'via', argument: 'URL', repeatable: true, variable: 'FDPASS_VIA' },
    { name: 'user', argument: 'NAME' },
    { name: 'alias', argument: 'NAME' },
    { name: 'timeout', short: 'w', argument: 'SECONDS' },
    { name: 'stdio' },
    { name: 'fdpass' },
    { name: 'verbose', short: 'v', repeatable: true, variable: 'FDPASS_VERBOSE' },
    { name: 'log', argument: 'FILE', variable: 'FDPASS_LOG' },
    { name: 'idle', argument: 'SECONDS' },
    { name: 'use', argument: 'HOP' },
    { name: 'server', argument: 'FILE' },
    { name: 'skip', argument: 'CHECK', repeatable: true },
    { name: 'watch' },
    { name: 'listen', argument: 'ADDRESS', repeatable: true },
    { name: 'no-ssh' },
    { name: 'allow-remote' },
    { name: 'password-file', argument: 'FILE' },
    { name: 'no-password' },
    { name: 'clear' },
    { name: 'yes', short: 'y' },
    { name: 'dry-run', short: 'n' },
    { name: 'json' },
    { name: 'svg', argument: 'FILE' },
    ...COMMON,
  ],
};

export const FDRECV: ProgramSyntax = {
  name: 'fdrecv',
  commands: [{ name: '', options: ['stdio', 'exec', 'json', 'timeout'] }],
  options: [
    { name: 'stdio' },
    { name: 'exec' },
    { name: 'json' },
    { name: 'timeout', short: 'w', argument: 'SECONDS' },
    ...COMMON,
  ],
};
