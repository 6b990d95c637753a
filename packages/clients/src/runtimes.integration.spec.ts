import { fileURLToPath } from 'node:url';
import { findProgram, run, skip } from '@fdpass/test-lab';
import { startSocksProxy, type TestProxy } from '@fdpass/testkit';
import { expect } from 'chai';
import { type Started, startWeb } from './servers.spec.helper.js';

const PROGRAM = fileURLToPath(new URL('runtimes.spec.helper.js', import.meta.url));

/** How each runs a program. Bun and Deno are not installed for the tests: they are tried where they are there. */
const RUNTIMES: Readonly<Record<string, readonly string[]>> = { node: [], bun: [], deno: ['run', '--allow-all'] };

describe('a program with a dialer', () => {
  let web: Started;
  let proxy: TestProxy;
  before(async () => {
    web = await startWeb();
    proxy = await startSocksProxy({ hosts: { 'web.example': '127.0.0.1' } });
  });
  after(async () => {
    web.close();
    await proxy.close();
  });

  for (const [runtime, words] of Object.entries(RUNTIMES)) {
    it(`in ${runtime}`, async function () {
      const program = runtime === 'node' ? process.execPath : findProgram(runtime);
      if (program === undefined) return skip(this, `not installed: ${runtime}`);
      for (const [use, host] of [
        ['happy-eyeballs', '127.0.0.1'],
        [`socks5h://127.0.0.1:${proxy.port}`, 'web.example'],
      ] as const) {
        const { stdout, stderr } = await run(program, [...words, PROGRAM, use, host, String(web.port)]);
        const { fetch, ...results } = JSON.parse(stdout || JSON.stringify({ stderr })) as Record<string, string>;
        expect(results).to.deep.equal({ dial: '/body', connect: '/body', agent: '/body' });
        expect(fetch).to.match(
          runtime === 'node' ? /^\/body$/ : /^the fetch of (Bun|Deno) cannot connect through a dialer$/,
        );
      }
    });
  }
});
