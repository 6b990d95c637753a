import type { TraceEvent } from '@fdpass/core';
import { expect } from 'chai';
import { Progress } from './progress.js';

const HOP = 'socks5h://first.example:1080';
const within = { id: 1, depth: 0 };
const inner = { id: 2, depth: 1 };

const DIAL: readonly (readonly [atMs: number, event: TraceEvent])[] = [
  [
    100,
    {
      event: 'route',
      target: 'server.example:22',
      reason: 'rule 2 (/c.yaml:7)',
      chain: `${HOP} -> http://second.example`,
    },
  ],
  [100, { event: 'dial', hop: 'http://second.example', target: 'server.example:22', within }],
  [100.4, { event: 'dial', hop: HOP, target: 'second.example:80', parent: 1, within: inner }],
  [100.4, { event: 'look-up', host: 'first.example', family: 6, within: inner }],
  [
    103,
    {
      event: 'resolve',
      host: 'first.example',
      family: 6,
      ms: 2.6,
      addresses: ['2001:db8::1', '2001:db8::2'],
      within: inner,
    },
  ],
  [
    103,
    {
      event: 'resolve',
      host: 'first.example',
      family: 4,
      ms: 2.6,
      addresses: [],
      reason: 'no IPv4 address',
      within: inner,
    },
  ],
  [103, { event: 'attempt', address: '[2001:db8::1]:1080', within: inner }],
  [104, { event: 'attempt-failed', address: '[2001:db8::1]:1080', ms: 1, reason: 'connection refused', within: inner }],
  [104, { event: 'attempt', address: '[2001:db8::2]:1080', within: inner }],
  [124.6, { event: 'connected', address: '[2001:db8::2]:1080', ms: 20.6, within: inner }],
  [125, { event: 'sent', text: 'CONNECT second.example:80', within: inner }],
  [125, { event: 'waiting', for: 'the reply', within: inner }],
  [126, { event: 'received', text: 'succeeded', within: inner }],
  [126, { event: 'dialled', hop: HOP, ms: 25.6, within: inner }],
  [
    126,
    {
      event: 'sent',
      text: 'CONNECT server.example:22 HTTP/1.1',
      details: ['Host: server.example:22', 'Proxy-Authorization: Basic ***'],
      within,
    },
  ],
  [130, { event: 'received', text: 'HTTP/1.1 200 OK\u001b', details: ['Via: second'], within }],
  [130, { event: 'second:said', words: 3, within }],
  [130, { event: 'note', text: 'warning: something' }],
  [140, { event: 'handed-over', as: 'descriptor', local: '192.0.2.9:4711', peer: '[2001:db8::2]:1080' }],
];

/** What is said of a dial that begins 100 ms after the command. */
function said(verbosity: number, dial = DIAL): string[] {
  let now = 0;
  const progress = new Progress(verbosity, () => now);
  return dial.flatMap(([atMs, event]) => {
    now = atMs;
    return progress.linesOf(event);
  });
}

describe('what -v says', () => {
  it('is what matters, in whole milliseconds, hops indented', () => {
    expect(said(1)).to.deep.equal([
      ' 100 ms  rule 2 (/c.yaml:7): socks5h://first.example:1080 -> http://second.example',
      ' 100 ms  http://second.example to server.example:22',
      ' 100 ms    socks5h://first.example:1080 to second.example:80',
      ' 103 ms      first.example (IPv6): 2001:db8::1, 2001:db8::2',
      ' 103 ms      first.example (IPv4): no IPv4 address',
      ' 104 ms      [2001:db8::1]:1080: connection refused',
      ' 125 ms      connected to [2001:db8::2]:1080 in 21 ms',
      ' 130 ms  warning: something',
      ' 140 ms  connected to server.example:22 through socks5h://first.example:1080 -> http://second.example in 40 ms',
    ]);
  });

  it('is everything with -vv, proxies quoted as curl does it', () => {
    const more = said(2).filter((line) => !said(1).includes(line));
    expect(more).to.deep.equal([
      ' 100 ms      looking up first.example (IPv6)',
      ' 103 ms      connecting to [2001:db8::1]:1080',
      ' 104 ms      connecting to [2001:db8::2]:1080',
      ' 125 ms      > CONNECT second.example:80',
      ' 125 ms      waiting for the reply',
      ' 126 ms      < succeeded',
      ' 126 ms    socks5h://first.example:1080: connected in 26 ms',
      ' 126 ms    > CONNECT server.example:22 HTTP/1.1',
      ' 126 ms    > Host: server.example:22',
      ' 126 ms    > Proxy-Authorization: Basic ***',
      ' 130 ms    < HTTP/1.1 200 OK',
      ' 130 ms    < Via: second',
      ' 130 ms    second:said words=3',
      ' 140 ms  passed the descriptor of 192.0.2.9:4711 to [2001:db8::2]:1080',
    ]);
  });

  const SINGLE: readonly (readonly [event: TraceEvent, verbosity: 1 | 2, line: string])[] = [
    [{ event: 'try', route: 'a' }, 2, 'trying a'],
    [{ event: 'try-connected', route: 'a', ms: 1500 }, 2, 'a: connected in 1.5 s'],
    [{ event: 'try-failed', route: 'a', ms: 1, reason: 'no' }, 1, 'a: no'],
    [{ event: 'try-cancelled', route: 'a', ms: 1 }, 2, 'a: no longer needed'],
    [{ event: 'attempt-cancelled', address: 'b', ms: 1 }, 2, 'b: no longer needed'],
    [{ event: 'dial-failed', hop: 'c', ms: 1, reason: 'no' }, 2, 'c: no'],
    [{ event: 'dial-cancelled', hop: 'c', ms: 1 }, 2, 'c: no longer needed'],
    [{ event: 'asking', for: 'the password' }, 2, 'asking for the password'],
    [{ event: 'resolve', host: 'd', ms: 1, addresses: [] }, 1, 'd: no address'],
  ];
  for (const [event, verbosity, line] of SINGLE) {
    it(`${event.event}: "${line}" ${verbosity === 1 ? 'with -v' : 'with -vv alone'}`, () => {
      expect(said(verbosity, [[0, event]])).to.deep.equal([`   0 ms  ${line}`]);
      expect(said(verbosity - 1, [[0, event]])).to.deep.equal([]);
    });
  }

  it('leaves what is said otherwise: the error that ends the command, and what a child says', () => {
    expect(
      said(2, [
        [0, { event: 'failed', error: 'no' }],
        [0, { event: 'output', text: 'a word' }],
      ]),
    ).to.deep.equal([]);
  });

  it('says of a relay that it begins', () => {
    expect(said(2, [[0, { event: 'handed-over', as: 'relay' }]])[0]).to.equal('   0 ms  copying bytes from now on');
  });
});
