import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Connection, DialContext, TraceEvent } from '@fdpass/core';
import { describeFd, loadSys } from '@fdpass/core/sockets';
import {
  expectNoDescriptorLeft,
  expectNoneLeft,
  markedEnvironment,
  markedProcesses,
  openDescriptors,
  requirePeers,
  temporaryFolder,
} from '@fdpass/test-lab';
import { contextOf, refusalOf, type ScriptedServer, startScriptedServer, streamOf, testHost } from '@fdpass/testkit';
import { expect } from 'chai';
import { type CommandOptions, command } from './command.js';

/** As cloudflared and its like do: connects and relays its stdin and stdout. */
const RELAY = `const s = require('net').connect({ port: +process.argv[2], host: process.argv[1], allowHalfOpen: true }, () => {
  process.stdin.pipe(s); s.pipe(process.stdout);
}); s.on('error', (e) => { console.error('relay: ' + e.code); process.exit(3); }).on('close', () => process.exit());`;

describe('command', () => {
  const folder = temporaryFolder();
  const { env: mark, marker } = markedEnvironment();
  let before: readonly string[];
  let server: ScriptedServer;

  beforeEach(async () => {
    Object.assign(process.env, mark);
    before = openDescriptors();
    server = await startScriptedServer(async (line) => {
      await line.send('banner ');
      line.socket.end(await line.rest());
    });
  });
  afterEach(async () => {
    await server.close();
    for (const name of Object.keys(mark)) delete process.env[name];
    await expectNoDescriptorLeft(before);
    // This very process was started without the mark; what it has started is what counts.
    await expectNoneLeft(() => markedProcesses(marker).filter((entry) => !entry.startsWith(`${process.pid} `)));
  });
  after(() => folder.remove());

  async function dial(options: CommandOptions, context: DialContext = contextOf()): Promise<Connection> {
    const dialer = await command.create(options, testHost({ baseDir: folder.path }));
    return (await dialer.dial({ host: '127.0.0.1', port: server.port }, context)) as Connection;
  }

  async function talk(connection: Connection): Promise<string> {
    const stream = connection.toStream();
    stream.end('hello');
    let text = '';
    for await (const chunk of stream) text += String(chunk);
    stream.destroy(); // its other half may be open, and Node 24 leaves it so
    return text;
  }

  it('relays through a legacy command, and gives a connection whose descriptor can be handed over', async () => {
    const connection = await dial({ command: [process.execPath, '-e', RELAY, '%h', '%p'] });
    expect(connection.descriptor).to.be.a('number');
    expect(await talk(connection)).to.equal('banner hello');
  });

  it('hands over at once with patience 0s, and after it where nothing speaks first', async () => {
    for (const patience of [0, 10]) {
      expect(await talk(await dial({ command: ['cat'], patience }))).to.equal('hello');
    }
  });

  it('receives from a command that passes a descriptor', async function () {
    requirePeers(this, 'nc');
    const connection = await dial({ command: ['nc', '-F', '%h', '%p'], fdpass: true });
    const sys = loadSys();
    expect(describeFd(connection.descriptor ?? -1, sys).peer).to.have.property('port', server.port);
    expect(await talk(connection)).to.equal('banner hello');
  });

  it('says why a command failed, in its own words, and shows what it said meanwhile', async () => {
    const events: TraceEvent[] = [];
    const context = contextOf(undefined, events);
    const failed = dial({ command: ['sh', '-c', 'echo first >&2; echo "no: route" >&2; exit 3'] }, context);
    expect(await refusalOf(failed)).to.equal(
      'unreachable: "sh" ended with status 3 before anything came through it: no: route',
    );
    const said = events.flatMap((event) => (event.event === 'output' ? event.text : []));
    expect(said).to.deep.equal(['first', 'no: route']);
    expect(await refusalOf(dial({ command: ['no-such-program'] }))).to.match(
      /^config: cannot run the program: no such file/,
    );
    expect(await refusalOf(dial({ command: ['true'], fdpass: true }))).to.match(
      /^protocol: closed without passing a descriptor/,
    );
  });

  it('keeps a log of stderr, from before the hand-over and after it', async () => {
    const log = join(folder.path, 'command.log');
    writeFileSync(log, 'older\n');
    const connection = await dial({
      command: ['sh', '-c', 'echo early >&2; echo ready; read line; echo late >&2'],
      log: 'command.log',
    });
    const stream = connection.toStream();
    const [chunk] = await once(stream.resume(), 'data');
    expect(String(chunk)).to.equal('ready\n');
    stream.end('go\n');
    await once(stream, 'end');
    stream.destroy();
    expect(readFileSync(log, 'utf8')).to.equal('older\nearly\nlate\n');
  });

  it('has no shell', async () => {
    const trap = join(folder.path, 'trap');
    const target = { host: `$(touch ${trap})`, port: 1 };
    const dialer = await command.create({ command: ['echo', '%h;', 'touch', trap], patience: 0 }, testHost());
    const stream = streamOf(await dialer.dial(target, contextOf()));
    let text = ''; // nothing is said to it: an end with unread bytes would be a reset
    for await (const chunk of stream) text += String(chunk);
    stream.destroy();
    expect(text).to.equal(`$(touch ${trap}); touch ${trap}\n`);
    expect(existsSync(trap)).to.equal(false);
  });

  it('is killed, with what it started, when the dial is aborted', async () => {
    for (const options of [
      { command: ['sh', '-c', 'sleep 1000 & sleep 1000'], patience: 20_000 },
      { command: ['sleep', '1000'], fdpass: true },
    ]) {
      const controller = new AbortController();
      const reason = new Error('enough');
      const failed = dial(options, contextOf(controller.signal)).catch((error: unknown) => error);
      setImmediate(() => controller.abort(reason));
      expect(await failed).to.equal(reason);
    }
  });

  it('ends by itself when our side closes', async () => {
    (await dial({ command: [process.execPath, '-e', RELAY, '%h', '%p'] })).destroy();
  });
});
