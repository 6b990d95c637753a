import type { TraceEvent } from '@fdpass/core';
import { Recorder } from './recorder.js';
import type { Moment, TraceReport, TraceResult } from './timeline.js';

/** A moment of a scenario: the time, the event, and the hop's dial that it belongs to with its depth. */
export type Scripted = readonly [atMs: number, event: Moment['event'], id?: number, depth?: number];

/** The report of a dial that went as the script says, looked at when the last thing happened or at `nowMs`. */
export function reportOf(
  script: readonly Scripted[],
  { result, nowMs }: { result?: TraceResult; nowMs?: number } = {},
): TraceReport {
  const recorder = new Recorder(() => nowMs ?? script.at(-1)?.[0] ?? 0);
  for (const [atMs, event, id, depth = 0] of script) {
    recorder.add(id === undefined ? event : ({ ...event, within: { id, depth } } as TraceEvent), atMs);
  }
  return recorder.report('server.example:22', result);
}

const START: readonly Scripted[] = [
  [30, { event: 'stage', text: 'Node 24.1.0 starts', ms: 30 }],
  [42, { event: 'stage', text: 'fdpass is loaded', ms: 12 }],
  [46, { event: 'stage', text: 'configuration /home/me/.config/fdpass/config.yaml', ms: 4 }],
];

/** A SOCKS proxy by its name, and through it an HTTP proxy that wants a password. */
const CHAIN: readonly Scripted[] = [
  ...START,
  [
    50,
    {
      event: 'stage',
      text: 'rule 2 (/home/me/.config/fdpass/config.yaml:7): socks5h://first.example:1080 -> http://me:***@second.example:3128',
      ms: 4,
    },
  ],
  [50, { event: 'dial', hop: 'http://me:***@second.example:3128', target: 'server.example:22' }, 1],
  [50, { event: 'dial', hop: 'socks5h://first.example:1080', target: 'second.example:3128', parent: 1 }, 2, 1],
  [50, { event: 'look-up', host: 'first.example', family: 6 }, 2, 1],
  [50, { event: 'look-up', host: 'first.example', family: 4 }, 2, 1],
  [54, { event: 'resolve', host: 'first.example', family: 6, ms: 4, addresses: ['2001:db8::1', '2001:db8::2'] }, 2, 1],
  [54, { event: 'attempt', address: '[2001:db8::1]:1080' }, 2, 1],
  [55, { event: 'resolve', host: 'first.example', family: 4, ms: 5, addresses: ['192.0.2.1'] }, 2, 1],
  [60, { event: 'attempt-failed', address: '[2001:db8::1]:1080', ms: 6, reason: 'connection refused' }, 2, 1],
  [60, { event: 'attempt', address: '192.0.2.1:1080' }, 2, 1],
  [90, { event: 'attempt', address: '[2001:db8::2]:1080' }, 2, 1],
  [95, { event: 'attempt-cancelled', address: '[2001:db8::2]:1080', ms: 5 }, 2, 1],
  [95, { event: 'connected', address: '192.0.2.1:1080', ms: 35 }, 2, 1],
  [95, { event: 'sent', text: 'SOCKS5 greeting, offers no authentication' }, 2, 1],
  [95, { event: 'waiting', for: 'the method selection' }, 2, 1],
  [112, { event: 'received', text: 'method: no authentication' }, 2, 1],
  [112, { event: 'sent', text: 'CONNECT second.example:3128' }, 2, 1],
  [112, { event: 'waiting', for: 'the reply' }, 2, 1],
  [150, { event: 'received', text: 'succeeded' }, 2, 1],
  [150, { event: 'waiting', for: 'the bound address' }, 2, 1],
  [150, { event: 'dialled', hop: 'socks5h://first.example:1080', ms: 100 }, 2, 1],
  [150, { event: 'sent', text: 'CONNECT server.example:22 HTTP/1.1', details: ['Host: server.example:22'] }, 1],
  [150, { event: 'waiting', for: "the proxy's response" }, 1],
];

/** Scenarios by name. */
export const REPORTS: Readonly<Record<string, TraceReport>> = {
  connected: reportOf(
    [
      ...CHAIN,
      [
        188,
        {
          event: 'received',
          text: 'HTTP/1.1 407 Proxy Authentication Required',
          details: ['Proxy-Authenticate: Basic realm="<a&b>"'],
        },
        1,
      ],
      [
        188,
        {
          event: 'sent',
          text: 'CONNECT server.example:22 HTTP/1.1',
          details: ['Host: server.example:22', 'Proxy-Authorization: Basic ***'],
        },
        1,
      ],
      [188, { event: 'waiting', for: "the proxy's response" }, 1],
      [240, { event: 'received', text: 'HTTP/1.1 200 Connection established' }, 1],
      [240, { event: 'dialled', hop: 'http://me:***@second.example:3128', ms: 190 }, 1],
      [240, { event: 'listening' }],
      [281, { event: 'greeting', text: '"SSH-2.0-OpenSSH_9.2p1 Debian-2" (SSH)' }],
    ],
    {
      result: {
        text: 'connected to server.example:22 through socks5h://first.example:1080 -> http://me:***@second.example:3128 in 190 ms',
        exitStatus: 0,
      },
    },
  ),
  'under-way': reportOf(CHAIN, { nowMs: 1250 }),
  'routes-failed': reportOf(
    [
      ...START,
      [46, { event: 'dial', hop: 'first-of', target: 'server.example:22' }, 1],
      [90, { event: 'dial-failed', hop: 'first-of', ms: 44, reason: 'all routes failed' }, 1],
    ],
    {
      result: {
        text: 'server.example:22: rule 1 (/c.yaml:2): first-of: all routes failed\n  cable: cannot connect to server.example:22: connection refused (192.0.2.1:22 connection refused); check that it is running, and the port\n  socks5h://proxy.example: no such host',
        exitStatus: 69,
      },
    },
  ),
  failed: reportOf(
    [
      ...CHAIN,
      [
        30_050,
        {
          event: 'dial-failed',
          hop: 'http://me:***@second.example:3128',
          ms: 30_000,
          reason: 'timed out after 30 s: connected to second.example:3128, but no HTTP response came',
        },
        1,
      ],
    ],
    {
      result: {
        text: 'server.example:22: rule 2 (/home/me/.config/fdpass/config.yaml:7): http://me:***@second.example:3128: timed out after 30 s: connected to second.example:3128, but no HTTP response came; check that it is an HTTP proxy, not a SOCKS or TLS one, and that the target answers',
        exitStatus: 75,
      },
    },
  ),
};
