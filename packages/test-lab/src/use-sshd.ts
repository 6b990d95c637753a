import { requirePeers } from './peers.js';
import { expectNoneLeft, markedEnvironment, markedProcesses } from './processes.js';
import { type Sshd, startSshd } from './sshd.js';

/** What {@link useSshd} gives a suite. */
export interface SshdSuite {
  /** The server; there while tests run. */
  sshd(): Sshd;
  /** For clients: marks what they start, and lets them find no configuration of the machine's own. */
  readonly env: NodeJS.ProcessEnv;
}

/**
 * Gives the suite that calls it a real sshd, or skips it where there is none, and fails each test after which something
 * that runs with {@link SshdSuite.env} is still there.
 */
export function useSshd(): SshdSuite {
  const { env, marker } = markedEnvironment();
  let sshd: Sshd;
  before(async function () {
    requirePeers(this, 'ssh', 'sshd');
    sshd = await startSshd();
  });
  after(() => sshd?.close());
  afterEach(() => expectNoneLeft(() => markedProcesses(marker)));
  return {
    sshd: () => sshd,
    env: { XDG_CONFIG_HOME: '/nonexistent', XDG_STATE_HOME: '/dev/null', FDPASS_CONFIG: '', ...env },
  };
}
