import { describeStrategy, startSocksProxy } from '@fdpass/testkit';
import { socks } from './socks.js';

const PASSWORD = 'hunter2/@:';

for (const scheme of ['socks4', 'socks4a', 'socks5', 'socks5h']) {
  describeStrategy({
    strategy: socks,
    title: `by ${scheme}`,
    async start() {
      const proxy = await startSocksProxy();
      return { options: { url: `${scheme}://127.0.0.1:${proxy.port}` }, close: () => proxy.close() };
    },
  });
}

describeStrategy({
  strategy: socks,
  title: 'by socks5h, with a password',
  secrets: [PASSWORD, encodeURIComponent(PASSWORD), Buffer.from(PASSWORD).toString('base64')],
  async start() {
    const proxy = await startSocksProxy({ password: { user: 'me', password: PASSWORD } });
    const url = `socks5h://me:${encodeURIComponent(PASSWORD)}@127.0.0.1:${proxy.port}`;
    return { options: { url }, close: () => proxy.close() };
  },
});

describeStrategy({
  strategy: socks,
  title: 'optimistically',
  async start() {
    const proxy = await startSocksProxy();
    return {
      options: { url: `socks5h://127.0.0.1:${proxy.port}`, optimistic: true },
      close: () => proxy.close(),
    };
  },
});
