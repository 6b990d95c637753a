import { readlinkSync, realpathSync } from 'node:fs';
import type { AgentRequest } from '@fdpass/agent';
import { stampOfFile } from '@fdpass/core/host';
import type { Arguments } from './arguments.js';
import { LeftToCommand } from './left-to-command.js';

/*
 * Whether the agent would do for a client exactly what the command would do. Whatever the kernel and libc decide by the process
 * (its namespaces, its HOME) depends on the agent's process, so a client that differs in these is left to the command.
 */

/** Variables that Node and libc read in the process that dials. Those of Node itself are compared too. */
const OF_THE_PROCESS = ['HOME', 'SSL_CERT_FILE', 'SSL_CERT_DIR', 'RES_OPTIONS', 'LOCALDOMAIN', 'HOSTALIASES'];

/** The namespaces that decide where a path or an address leads. */
const NAMESPACES = ['net', 'mnt'];

/** The installation that an agent belongs to. */
export class Installation {
  readonly #command: string;
  readonly #code: string;
  readonly #codeIdentity: string | undefined;
  /** Launchers that are known to belong to this installation. */
  readonly #launchers = new Set<string>();

  /**
   * @param command The file that the launcher runs.
   * @param code A file of the code that this process has loaded.
   */
  constructor(command: string, code: string) {
    this.#command = realpathSync(command);
    this.#code = code;
    this.#codeIdentity = stampOfFile(code)?.identity;
  }

  /** Whether another version has been installed in its place. */
  get isReplaced(): boolean {
    return stampOfFile(this.#code)?.identity !== this.#codeIdentity;
  }

  /** Whether a launcher, or a link to one, belongs to it. */
  isOurs(launcher: string): boolean {
    if (this.#launchers.has(launcher)) return true;
    try {
      if (!launcher.startsWith('/') || realpathSync(launcher) !== this.#command) return false;
    } catch {
      return false;
    }
    this.#launchers.add(launcher);
    return true;
  }
}

/** @throws LeftToCommand if the client's process is another kind of place than ours. */
export function checkSurroundings({ environment, pid }: Pick<AgentRequest, 'environment' | 'pid'>): void {
  checkEnvironment(environment);
  const elsewhere =
    pid === undefined ? undefined : NAMESPACES.find((name) => namespaceOf(pid, name) !== ownNamespace(name));
  if (elsewhere !== undefined) throw new LeftToCommand(`it is in another ${elsewhere} namespace`);
}

/** Environments that do not differ from ours. */
const usual = new WeakSet<object>();

function checkEnvironment(environment: AgentRequest['environment']): void {
  if (usual.has(environment)) return;
  const ofNode = Object.keys(environment).filter(isOfNode);
  ownOfNode ??= Object.keys(process.env).filter(isOfNode);
  const names = [...OF_THE_PROCESS, ...ownOfNode, ...ofNode];
  const different = names.find((name) => environment[name] !== process.env[name]);
  if (different !== undefined) throw new LeftToCommand(`its ${different} differs from the agent's`);
  usual.add(environment);
}

/** The names of our own, which take long to list. */
let ownOfNode: readonly string[] | undefined;

function isOfNode(name: string): boolean {
  return name.startsWith('NODE_');
}

/** Empty for a process that we cannot look at. */
function namespaceOf(pid: number | 'self', name: string): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/${name}`);
  } catch {
    return '';
  }
}

const ownNamespaces = new Map<string, string>();

function ownNamespace(name: string): string {
  const known = ownNamespaces.get(name) ?? namespaceOf('self', name);
  ownNamespaces.set(name, known);
  return known;
}

/** Paths that lead every process to something of its own, such as its stderr or its terminal. */
const OF_EACH_PROCESS = /^\/(dev\/(std(in|out|err)|tty|fd)|proc\/(self|thread-self))(\/|$)/;

/** @throws LeftToCommand for what is not a connection, or depends on the client's current directory or its descriptors. */
export function checkArguments(args: Arguments): void {
  const { name } = args.command;
  if (name !== '' && name !== 'connect') throw new LeftToCommand(`${name} is not a connection`);
  if (args.flag('help') || args.flag('version')) throw new LeftToCommand('it asks for help');
  const relative = ['config', 'log'].find((option) => !/^(\/|~\/|$)/.test(args.value(option) ?? ''));
  if (relative !== undefined) throw new LeftToCommand(`--${relative} starts at its current directory`);
  const own = ['config', 'log'].find((option) => OF_EACH_PROCESS.test(args.value(option) ?? ''));
  if (own !== undefined) throw new LeftToCommand(`--${own} names something of its own process`);
}
