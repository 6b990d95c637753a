import { type FdpassError, isFdpassError } from '@fdpass/core';
import { DEFAULT_SERVICES } from '@fdpass/core/host';
import { type Check, error } from './finding.js';
import type { Surroundings } from './surroundings.js';

const LIMIT_MS = 15_000;

/** Whether the sources of passwords give one: files, variables, programs and netrc. No password is shown. */
export const credentials: Check = {
  name: 'credentials',
  async run(around) {
    const asked = await askAll(around);
    const findings = asked.flatMap(({ label, result }) => {
      if (!isFdpassError(result)) return [];
      const what = `${label}: ${result.message}`;
      return [error(what, result.hint ?? 'correct the "credentials" of this hop')];
    });
    const good = asked.filter(({ result }) => result === 'given').length;
    const byHand = asked.filter(({ result }) => result === 'asked').length;
    const facts = [
      ...(good > 0 ? [`${good} can be read`] : []),
      ...(byHand > 0 ? [`${byHand} asked for on the terminal`] : []),
    ];
    return { facts: asked.length === 0 ? ['none'] : facts, findings };
  },
};

/** What is wrong with them. */
export async function credentialFaults(around: Surroundings): Promise<FdpassError[]> {
  return (await askAll(around)).flatMap(({ result }) => (isFdpassError(result) ? [result] : []));
}

interface Asked {
  readonly label: string;
  /** Whether they were given, a person would be asked, or why there are none. */
  readonly result: 'given' | 'asked' | FdpassError;
}

async function askAll(around: Surroundings): Promise<readonly Asked[]> {
  return around.once('credentials', async () => {
    const framework = await around.framework();
    const asked = new Map<string, () => Promise<Asked>>();
    await framework?.router.check({
      see({ label = '', options, place }) {
        const { credentials: source, url } = options;
        if (typeof source !== 'object' || source === null) return;
        const key = JSON.stringify([source, url, place.baseDir]); // a hop is seen for each rule that uses it
        asked.set(key, () => ask(label, source, String(url), place.baseDir, around.environment));
      },
    });
    return Promise.all([...asked.values()].map((each) => each()));
  });
}

async function ask(
  label: string,
  options: object,
  url: string,
  baseDir: string,
  environment: NodeJS.ProcessEnv,
): Promise<Asked> {
  const { hostname, port, username, password } = URL.canParse(url) ? new URL(url) : NO_URL;
  const host = hostname.replace(/^\[|\]$/g, '');
  const byHand = new Error('a person would be asked');
  const request = {
    options,
    host,
    baseDir,
    environment,
    signal: AbortSignal.timeout(LIMIT_MS),
    ...(username !== '' && { username: decodeURIComponent(username) }),
    ...(password !== '' && { password: decodeURIComponent(password) }),
    ...(port !== '' && { port: Number(port) }),
    beforeAsking() {
      throw byHand;
    },
  };
  try {
    await DEFAULT_SERVICES.credentials(request);
    return { label, result: 'given' };
  } catch (cause) {
    if (cause === byHand) return { label, result: 'asked' };
    if (isFdpassError(cause)) return { label, result: cause };
    throw cause;
  }
}

const NO_URL = { hostname: '', port: '', username: '', password: '' };
