import { type Clock, formatError, type Strategy, systemClock } from '@fdpass/core';
import { handOver, loadFramework, openChannel, TOKENS } from '@fdpass/core/host';
import { socks } from './socks.js';

/*
 * A ProxyCommand that reaches HOST PORT through an optimistic SOCKS hop. Its clock runs fifty times as fast as the
 * machine's: a server that is silent costs it a tenth of a second of the test's time. Arguments: URL HOST PORT.
 */

const SPEED = 50;
const clock: Clock = {
  now: () => systemClock.now() * SPEED,
  after: (delayMs, action) => systemClock.after(delayMs / SPEED, action),
};

const loopback: Strategy = {
  name: 'loopback',
  firstOnly: true,
  create: (_, host) => ({
    dial: ({ port }, context) => host.open({ family: 4, host: '127.0.0.1', port }, {}, context),
  }),
};

const [url, host = '', port] = process.argv.slice(2);
try {
  const channel = openChannel({ as: 'descriptor' });
  const strategies = [loopback, socks];
  const { router } = await loadFramework({ strategies, defaultStrategy: 'loopback', config: false }, (container) => {
    container.register<Clock>(TOKENS.clock, { useValue: clock });
  });
  const via = [{ strategy: 'socks', url, optimistic: true }];
  const route = await router.routeVia({ host, port: Number(port) }, via, '/');
  await handOver(channel, route, router, {
    trace: (event) => console.error(event.event, 'text' in event ? event.text : ''),
    timeoutMs: 0, // the test has a limit of its own
    relayed: () => Promise.reject(new Error('a SOCKS connection does not need a relay')),
  });
} catch (error) {
  console.error(formatError(error));
  process.exitCode = 1;
}
