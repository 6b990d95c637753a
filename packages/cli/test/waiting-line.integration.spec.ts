import { openScreen, requirePeers, type Screen } from '@fdpass/test-lab';
import { type ScriptedServer, startScriptedServer } from '@fdpass/testkit';
import { expect } from 'chai';
import { FDPASS_BIN, NO_CONFIG } from './commands.spec.helper.js';

/** A dial that takes long, seen on a terminal. */
describe('a connection that takes more than a second', () => {
  let proxy: ScriptedServer;
  let screen: Screen;
  let answer: (status?: string) => void;
  beforeEach(async function () {
    requirePeers(this, 'tmux', 'dash');
    const answered = new Promise<string>((resolve) => {
      answer = (status = '200 OK') => resolve(status);
    });
    proxy = await startScriptedServer(async (line) => {
      await line.takeThrough('\r\n\r\n');
      await line.send(`HTTP/1.1 ${await answered}\r\n\r\nbanner\n`);
      line.end();
    });
    screen = await openScreen({ columns: 60, rows: 10 }, NO_CONFIG);
  });
  afterEach(async () => {
    answer();
    await screen?.close();
    await proxy?.close();
  });

  const LINE = /^fdpass: connecting to host\.example:22 through http/m;
  const start = (): Promise<void> =>
    screen.type(
      `clear; '${process.execPath}' '${FDPASS_BIN}' --stdio --via http://127.0.0.1:${proxy.port} host.example 22 </dev/null | cat`,
    );

  it('is said in a line that is gone when it is there', async () => {
    await start();
    const waiting = await screen.until(LINE);
    expect(waiting.split('\n')).to.have.lengthOf(1); // it fits into one
    answer();
    expect(await screen.until(/banner\n\$/)).to.match(/^banner\n\$/);
  });

  it('is gone before its error comes', async () => {
    await start();
    await screen.until(LINE);
    answer('403 Forbidden');
    const text = await screen.until(/Forbidden[^$]*\$$/);
    expect(text)
      .to.match(/^fdpass: \[\w+\] host\.example:22/)
      .and.not.match(LINE);
  });

  it('is gone when the user ends it', async () => {
    await start();
    await screen.until(LINE);
    await screen.press('\x03');
    expect(await screen.until(/\$$/)).to.not.match(LINE);
  });
});
