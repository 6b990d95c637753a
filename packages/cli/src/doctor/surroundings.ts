import { type ConfigReport, type Framework, inspectSearch, type LoadOptions } from '@fdpass/core/host';
import { builtinFramework, checkBuiltinConfig } from '../command-framework.js';
import { inOrder } from '../in-order.js';
import { type Proxying, proxyingOf } from '../ssh-proxying.js';
import { askSsh, findSsh, type SshSettings } from '../ssh-settings.js';
import { type SampleHost, sampleHosts } from './sample-hosts.js';

/** What ssh does for a host. */
export interface HostAnswer {
  readonly sample: SampleHost;
  readonly settings: SshSettings;
  readonly proxying: Proxying;
}

/** A host that no file names: it gets what is said of all hosts. */
const NOBODY = 'a-host-that-no-file-names';
/** More would take longer than a person waits. */
const MAX_HOSTS = 100;
const AT_ONCE = 4;

/** What the checks look at. Whatever several of them need is found out once. */
export class Surroundings {
  readonly environment: NodeJS.ProcessEnv = process.env;
  readonly config: LoadOptions;
  /** The host that the user asks about. */
  readonly host: string | undefined;
  readonly timeoutMs: number | undefined;
  readonly #found = new Map<string, Promise<unknown>>();

  constructor(options: { config: LoadOptions; host: string | undefined; timeoutMs: number | undefined }) {
    this.config = options.config;
    this.host = options.host;
    this.timeoutMs = options.timeoutMs;
  }

  /** The ssh in PATH; undefined if there is none. */
  get ssh(): string | undefined {
    return findSsh();
  }

  /** What ssh says of a host; undefined without an ssh. @throws FdpassError as {@link askSsh} does */
  ask(host: string): Promise<SshSettings | undefined> {
    return this.once(`ssh ${host}`, async () => (this.ssh === undefined ? undefined : askSsh(this.ssh, { host })));
  }

  /** What ssh does for every host and pattern that its files name, and last for all others. None if it cannot be asked. */
  answers(): Promise<readonly HostAnswer[]> {
    return this.once('answers', async () => {
      const settings = await this.ask(NOBODY).catch(() => undefined);
      if (settings === undefined) return [];
      const others = { host: NOBODY, shown: 'all other hosts' };
      const samples = [...sampleHosts(settings.files).slice(0, MAX_HOSTS), others];
      const answers = await inOrder(samples, AT_ONCE, async (sample): Promise<HostAnswer[]> => {
        const answer = await this.ask(sample.host).catch(() => undefined); // a name that ssh refuses
        return answer === undefined ? [] : [{ sample, settings: answer, proxying: proxyingOf(answer) }];
      });
      return answers.flat();
    });
  }

  /** What is wrong in the configuration. */
  report(): Promise<ConfigReport> {
    return this.once('report', () => checkBuiltinConfig(this.config));
  }

  /** Undefined where the configuration has errors, which a check of its own tells. */
  framework(): Promise<Framework | undefined> {
    return this.once('framework', async () => {
      const hasErrors = (await this.report()).problems.some(({ severity }) => severity === 'error');
      return hasErrors ? undefined : builtinFramework(this.config);
    });
  }

  get search(): ReturnType<typeof inspectSearch> {
    return inspectSearch(this.config);
  }

  /** The result of `find`, which runs for the first that asks. */
  once<T>(key: string, find: () => Promise<T>): Promise<T> {
    const known = this.#found.get(key) as Promise<T> | undefined;
    if (known !== undefined) return known;
    const finding = find();
    this.#found.set(key, finding);
    return finding;
  }
}
