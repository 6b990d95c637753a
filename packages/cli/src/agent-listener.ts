import { FdpassError } from '@fdpass/core';
import { currentFolder, expandPath } from '@fdpass/core/host';
import { formatListenAddress, isLocal, type ListenAddress, ProxyServer, readListenAddress } from '@fdpass/listen';
import { Frameworks } from './agent-config.js';
import type { AgentMemory } from './agent-memory.js';
import { RulesDialer } from './listen/rules-dialer.js';

/** The proxy of `fdpass listen` in an agent. */
export interface AgentListener {
  /** Where it listens, with the ports that it has got. */
  readonly addresses: readonly string[];
  /** Takes no further client; resolves when the last one has gone. */
  leave(): Promise<void>;
}

/**
 * Reads the addresses of `--listen`, and makes paths absolute: an agent runs in `/`.
 *
 * @throws FdpassError `usage` for what is not an address, or one that other machines reach.
 */
export function readAgentAddresses(written: readonly string[]): string[] {
  const cwd = currentFolder();
  return written.map((text) => {
    const address = readListenAddress(text, (path) => expandPath(path, cwd));
    if (isLocal(address)) return formatListenAddress(address);
    throw new FdpassError(
      'usage',
      `an agent does not listen where other machines can connect, as on ${formatListenAddress(address)}`,
      {
        hint: 'listen on 127.0.0.1, or run "fdpass listen --allow-remote"',
      },
    );
  });
}

/**
 * Starts it, for addresses of {@link readAgentAddresses}. It shares what the agent remembers.
 *
 * @param onPluginChange Called when the code of a plugin has changed. Clients that are there go on with the code from before.
 * @throws FdpassError if an address or the configuration is wrong; nothing listens then.
 */
export async function startAgentListener(
  addresses: readonly string[],
  memory: AgentMemory,
  onPluginChange: () => void,
): Promise<AgentListener> {
  const dialer = new RulesDialer(
    { frameworks: new Frameworks(onPluginChange), memory },
    { request: { via: [], viaSource: '--via' }, verbosity: 0, logFile: undefined, errorStyle: {} },
  );
  await dialer.prepare();
  const server = new ProxyServer({ dial: dialer.dial });
  try {
    const got: ListenAddress[] = [];
    for (const text of addresses) got.push(await server.listen(readListenAddress(text, String)));
    return { addresses: got.map(formatListenAddress), leave: () => server.leave() };
  } catch (error) {
    await server.close();
    throw error;
  }
}
