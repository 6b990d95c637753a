import { FdpassError } from '@fdpass/core';
import { currentFolder, expandPath, readTrustedFile } from '@fdpass/core/host';
import {
  DEFAULT_ADDRESS,
  formatListenAddress,
  isLocal,
  type ListenAddress,
  type Password,
  ProxyServer,
  readListenAddress,
} from '@fdpass/listen';
import type { Arguments } from '../arguments.js';
import { errorStyleOf } from '../error-lines.js';
import { print } from '../print.js';
import { readRouteOptions } from '../request.js';
import { serveMany, untilTold } from '../resident.js';
import { ownParts, RulesDialer } from './rules-dialer.js';

/** `fdpass listen [ADDRESS ...]`: a proxy that connects by the rules, until a signal ends it. */
export async function listen(args: Arguments): Promise<number> {
  const addresses = readAddresses(args);
  const password = readPassword(args);
  refuseOpenProxy(addresses, password, args);
  const dialer = rulesDialer(args);
  await dialer.prepare();
  serveMany();
  const told = untilTold();
  const server = new ProxyServer({ dial: dialer.dial, password });
  try {
    for (const address of addresses) await announce(await server.listen(address), args);
    await told;
  } finally {
    await server.close();
  }
  return 0;
}

/** A dialer for a proxy server, with the options of the command line. @throws FdpassError `usage` */
export function rulesDialer(args: Arguments): RulesDialer {
  return new RulesDialer(ownParts(), {
    request: readRouteOptions(args),
    verbosity: args.count('verbose'),
    logFile: args.value('log'),
    errorStyle: errorStyleOf([], args),
  });
}

/** For scripts, too: with port 0 nobody else knows the port. */
async function announce(address: ListenAddress, args: Arguments): Promise<void> {
  const text = formatListenAddress(address);
  await print(
    args.flag('json') ? `${JSON.stringify({ listening: text })}\n` : `listening on ${text} (SOCKS and HTTP)\n`,
  );
}

function readAddresses({ operands }: Arguments): readonly ListenAddress[] {
  const cwd = currentFolder();
  return operands.length === 0
    ? [DEFAULT_ADDRESS]
    : operands.map((text) => readListenAddress(text, (path) => expandPath(path, cwd)));
}

/** `USER:PASSWORD` in a file, since others can see a command line. @throws FdpassError */
function readPassword(args: Arguments): Password | undefined {
  const written = args.value('password-file');
  if (written === undefined) return undefined;
  const path = expandPath(written, currentFolder());
  const [line = ''] = readTrustedFile(path, { secret: true }).split(/\r?\n/, 1);
  const [, user, password] = /^([^:]+):(.+)$/s.exec(line) ?? [];
  if (user === undefined || password === undefined || [user, password].some((each) => Buffer.byteLength(each) > 255))
    throw new FdpassError('config', `the first line of ${path} is not USER:PASSWORD`, {
      hint: 'write a user name and a password of at most 255 bytes each there',
    });
  return { user, password };
}

/** Anybody who can reach the proxy can reach everything that its user can, including the services of this machine. */
function refuseOpenProxy(addresses: readonly ListenAddress[], password: Password | undefined, args: Arguments): void {
  const open = addresses.find((address) => !isLocal(address));
  if (open === undefined || (password !== undefined && args.flag('allow-remote'))) return;
  throw new FdpassError('usage', `other machines could use a proxy at ${formatListenAddress(open)}`, {
    hint: 'listen on 127.0.0.1, or give --allow-remote and --password-file FILE',
  });
}
