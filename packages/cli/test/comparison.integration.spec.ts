import { dirname } from 'node:path';
import { requirePeers } from '@fdpass/test-lab';
import { expect } from 'chai';
import { FDPASS_BIN } from './commands.spec.helper.js';
import { docText } from './doc-blocks.spec.helper.js';
import { type DoneStep, requireDocLab, runSession } from './doc-sessions.spec.helper.js';

/** Columns of the README's table that a program can be tried for. */
const CONNECT = 'HTTP CONNECT';
const SOCKS = 'SOCKS';
const OTHERS = 'several addresses';
const IPV6 = 'IPv6';

/**
 * A command that reaches an ssh server in the way of a column, by program. two.example has two addresses, of which the first
 * refuses; six.example has an IPv6 address alone; proxy.example is the proxy, on port 8080 with a password.
 */
const COMMANDS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  fdpass: {
    [CONNECT]: 'fdpass --stdio --via http://me:opensesame@proxy.example:8080 server.example 22',
    [SOCKS]: 'fdpass --stdio --via socks5h://proxy.example:1080 server.example 22',
    [OTHERS]: 'fdpass --stdio two.example 22',
    [IPV6]: 'fdpass --stdio six.example 22',
  },
  nc: {
    [CONNECT]: 'nc -X connect -x proxy.example:3128 server.example 22',
    [SOCKS]: 'nc -X 5 -x proxy.example:1080 server.example 22',
    [OTHERS]: 'nc two.example 22',
    [IPV6]: 'nc six.example 22',
  },
  ncat: {
    [CONNECT]: 'ncat --proxy proxy.example:8080 --proxy-type http --proxy-auth me:opensesame server.example 22',
    [SOCKS]: 'ncat --proxy proxy.example:1080 --proxy-type socks5 server.example 22',
    [OTHERS]: 'ncat two.example 22',
    [IPV6]: 'ncat six.example 22',
  },
  'connect-proxy': {
    [CONNECT]: 'HTTP_PROXY_PASSWORD=opensesame connect-proxy -H me@proxy.example:8080 server.example 22',
    [SOCKS]: 'connect-proxy -5 -S proxy.example:1080 server.example 22',
    [OTHERS]: 'connect-proxy two.example 22',
    [IPV6]: 'connect-proxy six.example 22',
  },
  corkscrew: {
    [CONNECT]: 'echo me:opensesame >auth; corkscrew proxy.example 8080 server.example 22 auth',
    [OTHERS]: 'corkscrew two-proxies.example 3128 server.example 22',
    [IPV6]: 'corkscrew six-proxy.example 3128 server.example 22',
  },
  proxytunnel: {
    [CONNECT]: 'proxytunnel -q -p proxy.example:8080 -P me:opensesame -d server.example:22',
    [OTHERS]: 'proxytunnel -q -p two-proxies.example:3128 -d server.example:22',
    [IPV6]: 'proxytunnel -q -p six-proxy.example:3128 -d server.example:22',
  },
  socat: {
    [CONNECT]: 'socat - PROXY:proxy.example:server.example:22,proxyport=8080,proxyauth=me:opensesame',
    [SOCKS]: 'socat - SOCKS5:proxy.example:server.example:22,socksport=1080',
    [OTHERS]: 'socat - TCP:two.example:22',
    [IPV6]: 'socat - TCP:six.example:22',
  },
};

/** The process that is there during a session through it, and how ssh runs it. */
const HELPERS: Readonly<Record<string, string>> = {
  nc: '-o ProxyCommand="nc -F -X 5 -x proxy.example:1080 %h %p" -o ProxyUseFdpass=yes',
  ncat: '-o ProxyCommand="ncat %h %p"',
  'connect-proxy': '-o ProxyCommand="connect-proxy %h %p"',
  corkscrew: '-o ProxyCommand="corkscrew proxy.example 3128 %h %p"',
  proxytunnel: '-o ProxyCommand="proxytunnel -q -p proxy.example:3128 -d %h:%p"',
  socat: '-o ProxyCommand="socat - TCP:%h:%p"',
};

const UNTIL_SAID = 'untilSaid() { for i in $(seq 300); do [ -s "$1" ] && return; sleep 0.1; done; }';

/** The cells of the table by program and column. */
function readTable(): Map<string, Map<string, string>> {
  const [, section = ''] = docText('README.md').split('## Compared\n');
  const rows = section
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  const [head = [], , ...body] = rows;
  return new Map(
    body.map(([name = '', ...cells]) => [
      /[\w-]+/.exec(name)?.[0] ?? '',
      new Map(cells.map((cell, index) => [head[index + 1] ?? '', cell])),
    ]),
  );
}

function cellOf(program: string, column: string): string {
  const cell = readTable().get(program)?.get(column);
  if (cell === undefined) throw new Error(`the table has no cell for ${program}: ${column}`);
  return cell;
}

/** What a cell promises: a dash is no, and SOCKS needs version 5 to be tried. */
function promises(column: string, cell: string): boolean {
  return column === SOCKS ? /\b5\b/.test(cell) : !cell.startsWith('–');
}

describe('the comparison in the README', () => {
  const cells = Object.entries(COMMANDS).flatMap(([program, columns]) =>
    Object.entries(columns).map(([column, command]) => ({ program, column, command })),
  );
  const helpers = Object.entries(HELPERS);
  let done: readonly DoneStep[];

  before(async function () {
    requireDocLab(this);
    requirePeers(this, ...Object.keys(COMMANDS).filter((program) => program !== 'fdpass'), 'pgrep');
    const sessions = helpers.map(
      ([program, options], index) =>
        `ssh ${options} server.example 'pgrep -x ${program} >/dev/null && echo stays' >session${index} 2>&1 &`,
    );
    // They wait for their input as long as the network is there.
    const dials = cells.map(({ command }, index) => `(${command}) < <(sleep 1000) >dial${index} 2>&1 &`);
    const said = cells.map((_, index) => `untilSaid dial${index}`);
    const commands = [
      [...sessions, 'wait', ...dials, UNTIL_SAID, ...said].join('\n'),
      ...cells.map((_, index) => `cat dial${index}`),
      ...helpers.map((_, index) => `cat session${index}`),
    ];
    const session = commands.map((command) => ({ place: '', command, shown: '' }));
    [, ...done] = await runSession(session, dirname(FDPASS_BIN));
  });

  for (const [index, { program, column }] of cells.entries()) {
    it(`is right about ${program}: ${column}`, () => {
      const cell = cellOf(program, column);
      expect(done[index]?.output.startsWith('SSH-2.0-'), done[index]?.output).to.equal(promises(column, cell));
    });
  }

  for (const [index, [program]] of helpers.entries()) {
    it(`is right about ${program}: whether a process stays`, () => {
      const cell = cellOf(program, 'leaves a process');
      expect(done[cells.length + index]?.output).to.equal(promises('', cell) ? 'stays\n' : '');
    });
  }
});
