import { shownPath } from '../shown-path.js';
import { mentionsFdpass } from '../ssh-call.js';
import type { Conversion, ConvertedHop } from './conversion.js';
import { type ConvertedCommand, convertCommand } from './convert.js';
import { includedFiles, type SshConfigFile, type SshSetting, settingsOf } from './ssh-config.js';
import { yamlFlow } from './yaml-flow.js';

/** What was found on this machine. */
export interface Surroundings {
  readonly environment: NodeJS.ProcessEnv;
  /** The user's. */
  readonly sshConfig: SshConfigFile;
  /** The port that Tor listens on. */
  readonly torPort?: number | undefined;
  /** A configuration of the system's, which one of the user's replaces. */
  readonly systemConfig?: string | undefined;
  /** The `fdpass` command as ssh can run it. */
  readonly command: string;
  /** Commands whose rule a configuration cannot have, by the index of their line. */
  readonly refused?: ReadonlySet<number> | undefined;
}

/** A command of ssh_config as a rule. */
export interface ConvertedRule {
  /** The line of the command, from 0. */
  readonly index: number;
  /** As a configuration has it. */
  readonly rule: object;
}

/** Lines that replace `removed` lines of a file; inserted before `index` if none. */
export interface Edit {
  readonly index: number;
  readonly removed: number;
  readonly lines: readonly string[];
}

/** A password, which goes to a file of its own. */
export interface SecretFile {
  /** Beside the config. */
  readonly name: string;
  readonly text: string;
}

/** What `fdpass init` would do. */
export interface Plan {
  /** The config's lines. */
  readonly config: readonly string[];
  readonly secrets: readonly SecretFile[];
  readonly sshEdits: readonly Edit[];
  /** The rules of the config that come from ssh_config. */
  readonly converted: readonly ConvertedRule[];
  /** What is left to the user, a line each. */
  readonly notes: readonly string[];
}

const HEADER = '# Written by "fdpass init". The first rule that matches wins; "fdpass check" finds mistakes.';

/** Works out the config that does what the machine is set up to do. */
export function makePlan(around: Surroundings): Plan {
  return new Planner(around).plan();
}

const NOT_CANONICAL =
  'ssh does not canonicalize names with a ProxyCommand: a block for full names is for those who type them, unless this says "always"';
const TOO_LATE =
  'ssh comes to this block after the last one, whose ProxyCommand it has taken by then: move the line to a block without final or canonical';
const INVALID = 'the hosts of its block, or its arguments, are not valid in a configuration';

class Planner {
  readonly #around: Surroundings;
  readonly #rules: string[] = [];
  readonly #secrets: SecretFile[] = [];
  readonly #edits: Edit[] = [];
  readonly #converted: ConvertedRule[] = [];
  readonly #notes: string[] = [];
  /** Whether a rule for every host was found in ssh_config. */
  #hasDefault = false;
  #hasFdpass = false;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  plan(): Plan {
    const { sshConfig, systemConfig } = this.#around;
    for (const setting of settingsOf(sshConfig)) this.#readSetting(setting);
    for (const file of includedFiles(sshConfig)) this.#readIncluded(file);
    if (!this.#hasFdpass) this.#edits.push(this.#lastBlock());
    const tor = this.#tor();
    const defaults = this.#hasDefault || systemConfig !== undefined ? [] : this.#defaultRule();
    const config = [
      HEADER,
      ...(systemConfig === undefined ? [] : [`extends: ${yamlFlow(systemConfig)} # its rules come after these`]),
      ...tor.hops,
      'rules:',
      ...[...tor.rules, ...this.#rules, ...defaults].map((line) => `  ${line}`),
    ];
    if (config.at(-1) === 'rules:') config.push('  []');
    const [secrets, sshEdits, converted, notes] = [this.#secrets, this.#edits, this.#converted, this.#notes];
    return { config, secrets, sshEdits, converted, notes };
  }

  #readSetting(setting: SshSetting): void {
    const { keyword, value, index } = setting;
    const place = `${shownPath(this.#around.sshConfig.path)}:${index + 1}`;
    if (keyword === 'proxyjump') this.#notes.push(`${place}: ProxyJump works as before`);
    if (keyword === 'canonicalizehostname' && /^(yes|true)\b/i.test(value))
      this.#notes.push(`${place}: ${NOT_CANONICAL}`);
    if (keyword !== 'proxycommand' || /^none$/i.test(value)) return;
    if (mentionsFdpass(value)) this.#hasFdpass = true;
    else this.#readCommand(setting, place);
  }

  #readCommand({ value, index, block }: SshSetting, place: string): void {
    const converted = convertCommand(value, this.#around.environment);
    const isRefused = this.#around.refused?.has(index) === true;
    if ('why' in converted || block.patterns === undefined || isRefused) {
      const unusable = isRefused ? INVALID : 'only ssh can tell what its Match block matches';
      const why = 'why' in converted ? converted.why : unusable;
      this.#keep(converted, why, place, index, block.saysUseFdpass);
      if (block.isFinal) this.#notes.push(`${place}: ${TOO_LATE}`);
      return;
    }
    if (this.#hasDefault) return; // ssh never reaches it
    const { timeout } = converted.conversion;
    const rule = {
      ...(isForAll(block.patterns) ? {} : { alias: block.patterns.length === 1 ? block.patterns[0] : block.patterns }),
      use: this.#useOf(converted.conversion),
      ...(timeout === undefined ? {} : { timeout: `${timeout}s` }),
    };
    this.#converted.push({ index, rule });
    this.#rules.push(...ruleLines(rule, place));
    if (isForAll(block.patterns)) {
      this.#hasDefault = true;
      this.#hasFdpass = true;
    }
    // In the same place, since a command for more hosts can come after it.
    const lines = [this.#proxyCommand(), ...(block.saysUseFdpass ? [] : ['ProxyUseFdpass yes'])];
    this.#edits.push({ index, removed: 1, lines: this.#indented(index, lines) });
  }

  /** A command that stays needs "no": it would inherit "yes" from the last block. */
  #keep({ program }: ConvertedCommand, why: string, place: string, index: number, saysUseFdpass: boolean): void {
    this.#notes.push(`${place}: ${program} stays as it is: ${why}`);
    if (saysUseFdpass) return;
    this.#edits.push({ index: index + 1, removed: 0, lines: this.#indented(index, ['ProxyUseFdpass no']) });
  }

  /** Lines with the indentation of another one. */
  #indented(index: number, lines: readonly string[]): string[] {
    const indentation = /^[ \t]*/.exec(this.#around.sshConfig.lines[index] ?? '')?.[0] ?? '';
    return lines.map((line) => indentation + line);
  }

  #proxyCommand(): string {
    return `ProxyCommand ${this.#around.command} --user '%r' --alias '%n' %h %p`;
  }

  /** Included files can be those of others, so they are only read. */
  #readIncluded(file: SshConfigFile): void {
    for (const { keyword, value, index, block } of settingsOf(file)) {
      if (keyword !== 'proxycommand' || block.saysUseFdpass || /^none$/i.test(value) || mentionsFdpass(value)) continue;
      const { program } = convertCommand(value, this.#around.environment);
      this.#notes.push(
        `${shownPath(file.path)}:${index + 1}: ${program} stays as it is; add "ProxyUseFdpass no" after that line`,
      );
    }
  }

  #useOf({ hops }: Conversion): unknown {
    const uses = hops.map((hop) => this.#hopOf(hop));
    return uses.length === 1 ? uses[0] : uses;
  }

  #hopOf(hop: ConvertedHop): unknown {
    if ('use' in hop) return hop.use;
    const { url, username, password } = hop;
    if (username === undefined) return url;
    const strategy = url.startsWith('http') ? 'http-connect' : 'socks';
    if (password === undefined) return { strategy, url, userId: username }; // SOCKS 4
    return { strategy, url, credentials: { username, ...this.#sourceOf(password, url) } };
  }

  #sourceOf(password: NonNullable<Extract<ConvertedHop, { url: string }>['password']>, url: string): object {
    if (!('secret' in password)) return password;
    const base = url.replace(/^.*:\/\//, '').replace(/[^\w.-]+/g, '-');
    const same = this.#secrets.find(({ name, text }) => name.startsWith(base) && text === password.secret);
    const count = this.#secrets.filter(({ name }) => name.startsWith(base)).length;
    const name = same?.name ?? `${base}${count === 0 ? '' : `-${count + 1}`}.password`;
    if (same === undefined) this.#secrets.push({ name, text: password.secret });
    return { passwordFile: name };
  }

  #tor(): { readonly hops: readonly string[]; readonly rules: readonly string[] } {
    const { torPort } = this.#around;
    if (torPort === undefined) return { hops: [], rules: [] };
    return { hops: ['hops:', `  tor: socks5h://127.0.0.1:${torPort}`], rules: ['- host: "*.onion"', '  use: tor'] };
  }

  /** What curl and the like would do for hosts without a rule. */
  #defaultRule(): string[] {
    const variable = ['all_proxy', 'ALL_PROXY', 'https_proxy', 'HTTPS_PROXY'].find(
      (name) => this.#around.environment[name],
    );
    if (variable === undefined) return ['- use: happy-eyeballs # every other host: directly'];
    return [`- use: env # every other host: the proxy of ${variable}, unless NO_PROXY exempts it`];
  }

  #lastBlock(): Edit {
    const { sshConfig } = this.#around;
    const lines = [
      ...(sshConfig.lines.length > 0 ? [''] : []),
      '# Every other host follows the rules of fdpass. This block must be the last one.',
      'Host *',
      `    ${this.#proxyCommand()}`,
      '    ProxyUseFdpass yes',
    ];
    return { index: sshConfig.lines.length, removed: 0, lines };
  }
}

function isForAll(patterns: readonly string[]): boolean {
  return patterns.length === 1 && patterns[0] === '*';
}

/** A rule for the hosts of a block, whose patterns match what the user has typed: the alias. */
function ruleLines(rule: object, place: string): string[] {
  const lines = Object.entries(rule).map(([key, value]) => `${key}: ${yamlFlow(value)}`);
  return lines.map((line, index) => (index === 0 ? `- ${line} # ${place}` : `  ${line}`));
}
