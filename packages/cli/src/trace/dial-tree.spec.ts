import { expect } from 'chai';
import { glyphsOf, markOf, wordsOf } from './look.js';
import { reportOf, type Scripted } from './moments.spec.helper.js';

/** The rows in words: when they began and ended, how far they are indented, mark and text. */
function rowsOf(script: readonly Scripted[], nowMs?: number): string[] {
  const { rows } = reportOf(script, nowMs === undefined ? {} : { nowMs });
  const glyphs = glyphsOf({ hasColours: false, isUnicode: false });
  return rows.map(
    (row) => `${row.startMs}-${row.endMs} ${'  '.repeat(row.depth)}${markOf(row, glyphs)} ${wordsOf(row)}`,
  );
}

const dial = (hop: string, parent?: number): Scripted[1] => ({
  event: 'dial',
  hop,
  target: 'host:22',
  ...(parent !== undefined && { parent }),
});

const SCENARIOS: Readonly<Record<string, readonly [script: readonly Scripted[], rows: readonly string[]]>> = {
  'a plugin that reports nothing: what it has waited for': [
    [
      [0, dial('mine'), 1],
      [1, { event: 'waiting', for: 'the reply' }, 1],
      [4, { event: 'waiting', for: 'the rest' }, 1],
      [9, { event: 'dialled', hop: 'mine', ms: 9 }, 1],
    ],
    ['0-9 + mine to host:22', '1-4   < the reply', '4-9   < the rest'],
  ],
  'conditions, and a look-up by name servers of the route': [
    [
      [0, { event: 'condition', condition: 'exec ./at-work' }],
      [5, { event: 'condition-answer', condition: 'exec ./at-work', ms: 5, holds: false, found: 'status 1' }],
      [6, { event: 'look-up', host: 'db.example', family: 4, servers: ['10.0.0.53:53'] }],
      [
        8,
        { event: 'resolve', host: 'db.example', family: 4, servers: ['10.0.0.53:53'], ms: 2, addresses: ['192.0.2.1'] },
      ],
    ],
    ['0-5 + exec ./at-work: status 1', '6-8 + db.example (IPv4) by 10.0.0.53:53: 192.0.2.1'],
  ],
  "a plugin's own event": [
    [
      [0, dial('mine'), 1],
      [1, { event: 'mine:asked', attempts: 2, of: 'the gate\u001b' }, 1],
    ],
    ['0-1 ~ mine to host:22', '1-1   * mine:asked attempts=2 of=the gate'],
  ],
  'what a deadline has caught: nobody has answered': [
    [
      [0, dial('happy-eyeballs'), 1],
      [0, { event: 'look-up', host: 'host', family: 6 }, 1],
      [1, { event: 'attempt', address: '192.0.2.1:22' }, 1],
      [2, { event: 'attempt', address: '192.0.2.2:22' }, 1],
      [3, { event: 'attempt-failed', address: '192.0.2.2:22', ms: 1, reason: 'no route' }, 1],
      [9, { event: 'attempt-cancelled', address: '192.0.2.1:22', ms: 8 }, 1],
      [9, { event: 'dial-failed', hop: 'happy-eyeballs', ms: 9, reason: 'timed out' }, 1],
    ],
    [
      '0-9 x happy-eyeballs to host:22: timed out',
      '0-9   - host (IPv6) (no longer needed)',
      '1-9   x 192.0.2.1:22: no answer',
      '2-3   x 192.0.2.2:22: no route',
    ],
  ],
  'a proxy that was reached and then fails: the address that lost is not to blame': [
    [
      [0, dial('socks'), 1],
      [1, { event: 'attempt', address: '192.0.2.1:22' }, 1],
      [1, { event: 'attempt', address: '192.0.2.2:22' }, 1],
      [2, { event: 'attempt-cancelled', address: '192.0.2.1:22', ms: 1 }, 1],
      [2, { event: 'connected', address: '192.0.2.2:22', ms: 1 }, 1],
      [2, { event: 'sent', text: 'greeting' }, 1],
      [2, { event: 'waiting', for: 'the method' }, 1],
      [7, { event: 'dial-failed', hop: 'socks', ms: 7, reason: 'closed' }, 1],
    ],
    [
      '0-7 x socks to host:22: closed',
      '1-2   - 192.0.2.1:22 (no longer needed)',
      '1-2   + 192.0.2.2:22',
      '2-2   > greeting',
      '2-7   x waited for the method',
    ],
  ],
  'routes in a race: each has its own rows, and one hop is one row': [
    [
      [0, dial('race'), 1],
      [0, { event: 'try', route: 'wired' }, 1],
      [0, dial('wired', 1), 2, 1],
      [0, { event: 'attempt', address: 'a' }, 2, 1],
      [3, { event: 'try', route: 'vpn -> socks' }, 1],
      [3, dial('socks', 1), 3, 1],
      [3, dial('vpn', 3), 4, 2],
      [4, { event: 'attempt', address: 'b' }, 4, 2],
      [5, { event: 'attempt-failed', address: 'a', ms: 5, reason: 'no route' }, 2, 1],
      [5, { event: 'dial-failed', hop: 'wired', ms: 5, reason: 'cannot connect' }, 2, 1],
      [5, { event: 'try-failed', route: 'wired', ms: 5, reason: 'cannot connect' }, 1],
      [6, { event: 'connected', address: 'b', ms: 2 }, 4, 2],
      [6, { event: 'dialled', hop: 'vpn', ms: 3 }, 4, 2],
      [7, { event: 'dialled', hop: 'socks', ms: 4 }, 3, 1],
      [7, { event: 'try-connected', route: 'vpn -> socks', ms: 4 }, 1],
      [7, { event: 'dialled', hop: 'race', ms: 7 }, 1],
    ],
    [
      '0-7 + race to host:22',
      '0-5   x wired to host:22: cannot connect',
      '0-5     x a: no route',
      '3-7   + vpn -> socks',
      '3-7     + socks to host:22',
      '3-6       + vpn to host:22',
      '4-6         + b',
    ],
  ],
  'a greeting that does not come, and a configuration that cannot be read': [
    [
      [5, { event: 'stage', text: 'configuration', ms: 2, reason: 'no such file' }],
      [5, { event: 'listening' }],
      [8, { event: 'silence', text: 'none within 3 s', isError: false }],
      [8, { event: 'listening' }],
      [9, { event: 'silence', text: 'closed', isError: true }],
    ],
    ['3-5 x configuration: no such file', '5-8 - greeting: none within 3 s', '8-9 x greeting: closed'],
  ],
  'a name without an address, the same name in two hops, and events of the command': [
    [
      [0, dial('a'), 1],
      [0, dial('b', 1), 2, 1],
      [0, { event: 'look-up', host: 'proxy' }, 1],
      [0, { event: 'look-up', host: 'proxy' }, 2, 1],
      [2, { event: 'resolve', host: 'proxy', ms: 2, addresses: [], reason: 'no such host' }, 2, 1],
      [3, { event: 'resolve', host: 'proxy', ms: 3, addresses: ['::1'] }, 1],
      [3, { event: 'handed-over', as: 'relay' }],
      [3, { event: 'output', text: 'the words of a child' }],
    ],
    [
      '0-3 ~ a to host:22',
      '0-3   ~ b to host:22',
      '0-2     x proxy: no such host',
      '0-3   + proxy: ::1',
      '3-3 * the words of a child',
    ],
  ],
  'a question': [
    [
      [0, dial('proxy'), 1],
      [1, { event: 'asking', for: 'the password' }, 1],
    ],
    ['0-1 ~ proxy to host:22', '1-1   ~ waiting for the password'],
  ],
};

describe('the timeline of a dial', () => {
  for (const [what, [script, rows]] of Object.entries(SCENARIOS)) {
    it(`shows ${what}`, () => expect(rowsOf(script)).to.deep.equal(rows));
  }

  it('lets what is under way last until now', () => {
    expect(rowsOf([[0, dial('mine'), 1]], 40)).to.deep.equal(['0-40 ~ mine to host:22']);
  });
});
