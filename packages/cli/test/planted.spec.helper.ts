import { mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { FdpassError, formatError, isFdpassError, type TraceEvent } from '@fdpass/core';
import {
  checkConfig,
  type FrameworkParts,
  type LoadOptions,
  loadFramework,
  type Resolver,
  TOKENS,
} from '@fdpass/core/host';
import { builtinStrategies, type CreateDialerOptions, createDialer } from '../dist/index.js';

/** A target for each rule of the configs that are damaged. */
const TARGETS = [
  { host: 'a.example', port: 22 },
  { host: 'b.example', port: 443 },
  { host: 'c.example', port: 22, user: 'root' },
];

/** A network in which every name has an address and nobody answers. */
const NETWORK: Parameters<typeof loadFramework>[1] = (container) => {
  const resolve: Resolver = async () => [{ host: '192.0.2.1', family: 4 }];
  const open = () => Promise.reject(new FdpassError('unreachable', 'connection refused'));
  container.register(TOKENS.resolve, { useValue: resolve });
  container.register(TOKENS.open, { useValue: open });
};

/** What a user or a program can see of an error. */
export function everythingOf(error: unknown): string[] {
  const own = isFdpassError(error) ? [error.hint, error.hop, error.rule, error.summary] : [];
  const inner = error instanceof AggregateError ? error.errors.flatMap(everythingOf) : [];
  return [formatError(error), String(error), JSON.stringify(error), inspect(error), ...own, ...inner].map(String);
}

/** Everything that fdpass says about a config, in each way that it has, and what it leaves in its cache. */
export class Listener {
  readonly said: string[] = [];
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** A config in a file: check, explain, and a dial. */
  async hearFile(text: string, { dials = true }: { readonly dials?: boolean } = {}): Promise<string[]> {
    const file = join(this.#folder, 'config.yaml');
    writeFileSync(file, text, { mode: 0o600 });
    const longAgo = Date.now() / 1000 - 60;
    utimesSync(file, longAgo, longAgo);
    await this.#hearConfig({ file }, dials);
    return this.said;
  }

  /** A config that a program gives as an object. */
  async hearObject(content: unknown): Promise<string[]> {
    await this.#hearConfig({ content, baseDir: this.#folder }, false);
    await this.#hear(async () => {
      const dialer = createDialer({ config: content, baseDir: this.#folder } as CreateDialerOptions);
      await dialer.check();
    });
    await this.#hear(async () => createDialer(content as CreateDialerOptions).close());
    return this.said;
  }

  async #hearConfig(config: LoadOptions, dials: boolean): Promise<void> {
    const cache = { folder: join(this.#folder, 'cache'), version: 'test' };
    rmSync(cache.folder, { recursive: true, force: true });
    mkdirSync(cache.folder, { mode: 0o700 });
    const parts: FrameworkParts = {
      strategies: builtinStrategies,
      defaultStrategy: 'happy-eyeballs',
      config,
      cache,
    };
    await this.#hear(async () => {
      const { problems } = await checkConfig(parts, NETWORK);
      for (const { error } of problems) this.said.push(...everythingOf(error));
    });
    await this.#hear(async () => {
      const { router } = await atAnotherTime(() => loadFramework(parts, NETWORK));
      for (const target of TARGETS) {
        await this.#hear(async () => {
          const route = await router.route(target);
          this.say(route.reason, route.chain.label, route.chain.hops, await router.explain(route));
          const trace = (event: TraceEvent): void => this.say(event);
          if (dials) (await router.dial(route, { trace, timeoutMs: 5000 })).destroy();
        });
      }
    });
    for (const name of readdirSync(cache.folder)) this.said.push(readFileSync(join(cache.folder, name), 'utf8'));
  }

  /** Adds what is shown, also as a program's log would have it. */
  say(...things: readonly unknown[]): void {
    for (const thing of things) this.said.push(JSON.stringify(thing), inspect(thing, { depth: 9 }));
  }

  async #hear(action: () => Promise<unknown>): Promise<void> {
    try {
      await action();
    } catch (error) {
      this.said.push(...everythingOf(error));
    }
  }
}

/** Only files that have been there for a while are cached, and ctime cannot be set: so now is put forward. */
async function atAnotherTime<T>(action: () => Promise<T>): Promise<T> {
  const { now } = Date;
  Date.now = () => now() + 60_000;
  try {
    return await action();
  } finally {
    Date.now = now;
  }
}
