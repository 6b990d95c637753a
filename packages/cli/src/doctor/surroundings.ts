import { type ConfigReport, expandPath, type Framework, inspectSearch, type LoadOptions } from '@fdpass/core/host';
import { builtinFramework, checkBuiltinConfig } from '../command-framework.js';
import { type Proxying, proxyingOf } from '../ssh-proxying.js';
import { askSsh, findSsh, type SshSettings } from '../ssh-settings.js';
import { askWhile } from './ask-while.js';
import { type SampleHost, sampleHosts } from './sample-hosts.js';

/** What ssh does for a host. */
export interface HostAnswer {
  readonly sample: SampleHost;
  readonly settings: SshSettings;
  readonly proxying: Proxying;
}

/** A host that no file names: it gets what is said of all hosts. */
const NOBODY = 'a-host-that-no-file-names';
/** As long as a person is willing to wait, since a `Match exec` runs for each host. */
export const ASKING_LIMIT_MS = 15_000;

/** What ssh was asked about, as far as there was time. */
interface Asked {
  readonly answers: readonly HostAnswer[];
  readonly unasked: readonly SampleHost[];
}

/** What the checks look at. Anything that several of them need is determined once. */
export class Surroundings {
  readonly environment: NodeJS.ProcessEnv = process.env;
  readonly #file: string | undefined;
  /** The host that the user asks about. */
  readonly host: string | undefined;
  readonly timeoutMs: number | undefined;
  readonly #found = new Map<string, Promise<unknown>>();

  /** @param options `file` is a configuration that the user has named. */
  constructor(options: { file: string | undefined; host: string | undefined; timeoutMs: number | undefined }) {
    this.#file = options.file;
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

  /** What ssh does for the hosts and patterns that its files name, and last for all others. None if it cannot be asked. */
  async answers(): Promise<readonly HostAnswer[]> {
    return (await this.#asked()).answers;
  }

  /** The hosts and patterns that there was no time to ask ssh about. */
  async unasked(): Promise<readonly SampleHost[]> {
    return (await this.#asked()).unasked;
  }

  #asked(): Promise<Asked> {
    return this.once('answers', async () => {
      const endsAt = performance.now() + ASKING_LIMIT_MS;
      const settings = await this.ask(NOBODY).catch(() => undefined);
      if (settings === undefined) return { answers: [], unasked: [] };
      const isOver = (): boolean => performance.now() > endsAt;
      const { answers, unasked } = await askWhile(sampleHosts(settings.files), isOver, (sample) =>
        this.#answer(sample),
      );
      const others = await this.#answer({ host: NOBODY, shown: 'all other hosts' });
      return { answers: [...answers, ...others], unasked };
    });
  }

  async #answer(sample: SampleHost): Promise<readonly HostAnswer[]> {
    const settings = await this.ask(sample.host).catch(() => undefined); // a name that ssh refuses
    return settings === undefined ? [] : [{ sample, settings, proxying: proxyingOf(settings) }];
  }

  /**
   * Where the configuration is that counts: the user has named it, or the ProxyCommand does (that of the host that is asked
   * about, else that of all other hosts, else the last that runs fdpass), or else it is looked for.
   */
  config(): Promise<LoadOptions> {
    return this.once('config', async () => {
      if (this.#file !== undefined) return { file: this.#file };
      const own = this.host === undefined ? [] : await this.#answer({ host: this.host, shown: this.host });
      const calls = [...(await this.answers()), ...own].flatMap(({ proxying }) => proxying.call ?? []);
      const named = calls.at(-1)?.args?.value('config');
      return named !== undefined && /^~?\//.test(named) ? { file: expandPath(named, '/') } : {};
    });
  }

  /** What is wrong in the configuration. */
  report(): Promise<ConfigReport> {
    return this.once('report', async () => checkBuiltinConfig(await this.config()));
  }

  /** Undefined where the configuration has errors, which a check of its own tells. */
  framework(): Promise<Framework | undefined> {
    return this.once('framework', async () => {
      const hasErrors = (await this.report()).problems.some(({ severity }) => severity === 'error');
      return hasErrors ? undefined : builtinFramework(await this.config());
    });
  }

  async search(): Promise<ReturnType<typeof inspectSearch>> {
    return inspectSearch(await this.config());
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
