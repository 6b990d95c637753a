import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { FdpassError, formatError, isFdpassError, makeTarget } from '@fdpass/core';
import {
  askSecret,
  type Config,
  currentFolder,
  didYouMean,
  expandPath,
  type Framework,
  replaceFile,
} from '@fdpass/core/host';
import { type Arguments, checkCount, usage } from './arguments.js';
import { builtinFramework } from './command-framework.js';
import { yamlFlow } from './init/yaml-flow.js';
import { print } from './print.js';
import { readTimeout } from './request.js';
import { writeStderr } from './stderr.js';
import { FDPASS } from './syntax.js';

/** A named hop that goes to a proxy. */
interface ProxyHop {
  readonly name: string;
  /** As a mapping, without a user name and a password. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly url: URL;
  readonly username: string | undefined;
  /** The folder of the file that it is in. */
  readonly baseDir: string;
  readonly file: string;
}

/** `fdpass credentials set HOP`: asks for a password, tries it, and keeps it in a file beside the config. */
export async function credentials(args: Arguments): Promise<number> {
  checkCount(FDPASS, args, 2);
  const [action, name] = args.operands;
  if (action !== 'set' || name === undefined) throw usage(FDPASS, 'credentials takes: set HOP');
  const written = args.value('config');
  const framework = await builtinFramework(written === undefined ? {} : { file: expandPath(written, currentFolder()) });
  const hop = proxyHop(framework, name);
  const username = args.value('user') ?? hop.username;
  if (username === undefined) throw usage(FDPASS, `the hop ${name} has no user name; give one with --user`);
  const password = await askTwice(`${username}@${hop.url.host}`);
  await keep(framework, hop, username, password, readTimeout(args));
  return 0;
}

/** @throws FdpassError `config` if there is no such hop, or none that has credentials */
function proxyHop({ config, registry }: Framework, name: string): ProxyHop {
  const hop = namedHop(config, name);
  const spec = typeof hop.spec === 'string' ? { url: hop.spec } : (hop.spec as Record<string, unknown>);
  const written = String(Object(spec)['url'] ?? '');
  if (!URL.canParse(written))
    throw new FdpassError('config', `the hop ${name} has no URL of a proxy`, { where: hop.where() });
  const url = new URL(written);
  const { username: known = decodeURIComponent(url.username) || undefined } = Object(spec['credentials']);
  const { credentials: _, ...rest } = spec;
  const strategy = spec['strategy'] ?? registry.entryForScheme(url.protocol.slice(0, -1)).name;
  const options = { strategy, ...rest, url: written.replace(/^([a-z0-9+.-]+:\/\/)[^/?#]*@/i, '$1') };
  const { file } = hop.where();
  return { name, options, url, username: known as string | undefined, baseDir: hop.baseDir, file };
}

type NamedHop = NonNullable<ReturnType<Config['hops']['get']>>;

function namedHop(config: Config | undefined, name: string): NamedHop {
  const hop = config?.hops.get(name);
  if (hop !== undefined) return hop;
  const names = [...(config?.hops.keys() ?? [])];
  const known = names.length > 0 ? `the configuration names ${names.join(', ')}` : 'the configuration names no hops';
  throw new FdpassError('config', `there is no hop of that name; ${known}`, { hint: didYouMean(name, names) });
}

async function askTwice(who: string): Promise<string> {
  const ask = (question: string): Promise<string> =>
    askSecret(question, new AbortController().signal, { baseDir: '/', environment: process.env });
  const password = await ask(`New proxy password for ${who}: `);
  if (password === '') throw new FdpassError('usage', 'the password is empty, so nothing was changed');
  if ((await ask('The same again: ')) === password) return password;
  throw new FdpassError('usage', 'the two passwords differ, so nothing was changed', { hint: 'try again' });
}

/** The password takes the place of the old one only if the proxy does not refuse it. */
async function keep(
  framework: Framework,
  hop: ProxyHop,
  username: string,
  password: string,
  timeoutMs: number | undefined,
): Promise<void> {
  const name = `${hop.name.replace(/[^\w.-]/g, '-')}.password`;
  const file = join(hop.baseDir, name);
  const fresh = `${file}.new`;
  const withFile = (passwordFile: string): object => ({ ...hop.options, credentials: { username, passwordFile } });
  try {
    replaceFile(fresh, `${password}\n`);
    writeStderr(`fdpass: ${await tryOn(framework, hop, withFile(fresh), timeoutMs)}`);
    renameSync(fresh, file);
  } finally {
    rmSync(fresh, { force: true });
  }
  await print(`The password is in ${file}. The hop in ${hop.file}:\n\n  ${hop.name}: ${yamlFlow(withFile(name))}\n`);
}

/** Asks the proxy for itself. It looks at the password first, so any answer but a refusal of that is good. */
async function tryOn(
  { router }: Framework,
  { url, baseDir }: ProxyHop,
  use: object,
  timeoutMs: number | undefined,
): Promise<string> {
  const target = makeTarget({ host: url.hostname.replace(/^\[|\]$/g, ''), port: url.port || 443 });
  try {
    const connection = await router.dial(await router.routeVia(target, [use], baseDir, 'the test'), { timeoutMs });
    connection.destroy();
  } catch (error) {
    if (!isFdpassError(error) || isAboutPassword(error)) throw error;
    return `the proxy has not refused the password, and not connected either: ${formatError(error)}`;
  }
  return 'the proxy takes the password';
}

/** Whether a proxy has refused a password, or there was none to send. */
export function isAboutPassword({ code, message }: Pick<FdpassError, 'code' | 'message'>): boolean {
  return code === 'config' || code === 'internal' || /user name/.test(message);
}
