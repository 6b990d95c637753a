import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { expectNoDescriptorLeft, expectNoneLeft, openDescriptors, temporaryFolder } from '@fdpass/test-lab';
import { expect } from 'chai';
import { readAll, type Script, type ScriptedServer, startScriptedServer } from './scripted-server.js';

describe('scripted server', () => {
  let before: readonly string[];
  let server: ScriptedServer;

  beforeEach(() => {
    before = openDescriptors();
  });
  afterEach(async () => {
    await server.close();
    await expectNoDescriptorLeft(before);
  });

  async function client(script: Script, allowHalfOpen = false): Promise<Socket> {
    server = await startScriptedServer(script);
    const socket = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen, noDelay: true });
    await once(socket, 'connect');
    return socket;
  }

  it('takes and sends what the script says', async () => {
    const socket = await client(async (line) => {
      await line.expect('hello\n');
      await line.send(`[${await line.take(3)}]`);
      await line.send(`[${await line.takeThrough('\r\n\r\n')}]`);
      await line.send(Uint8Array.of(0xff));
      await line.send(`[${await line.rest()}]`);
      line.end();
    }, true);
    for (const part of ['hel', 'lo\nabcde', 'f\r\n\r', '\nmore', ' and more']) socket.write(part);
    socket.end();
    expect((await readAll(socket)).toString('latin1')).to.equal('[abc][def\r\n\r\n]\xff[more and more]');
    expect(server.received.map(String)).to.deep.equal(['hello\nabcdef\r\n\r\nmore and more']);
    expect(server.connections()).to.equal(1);
    expect(server.failures).to.deep.equal([]);
  });

  it('sends byte by byte, each in a flight of its own', async () => {
    let mayEnd = (): void => {};
    const read = new Promise<void>((resolve) => {
      mayEnd = resolve;
    });
    const socket = await client(async (line) => {
      await line.sendOneByOne('123456789');
      await read;
      line.end();
    });
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      if (Buffer.concat(chunks).length === 9) mayEnd();
    });
    await once(socket, 'end');
    expect(Buffer.concat(chunks).toString()).to.equal('123456789');
    expect(chunks.length).to.be.greaterThan(1);
  });

  it('counts the flights that came in', async () => {
    const flights: number[] = [];
    const socket = await client(async (line) => {
      for (const part of ['one', 'two']) {
        await line.expect(part);
        flights.push(line.flights);
        await line.send('.');
      }
      await line.stall();
    });
    for (const part of ['one', 'two']) {
      socket.write(part);
      await once(socket, 'data');
    }
    expect(flights).to.deep.equal([1, 2]);
    socket.destroy();
  });

  it('keeps why a script has ended early', async () => {
    const socket = await client((line) => line.expect('hello'));
    socket.write('HELLO');
    await once(socket.resume(), 'close');
    expect(server.failures).to.deep.equal(['the client sent "HELLO" instead of "hello"']);
    const second = connect(server.port, '127.0.0.1').resume();
    second.end('hel');
    await once(second, 'close');
    expect(server.failures[1]).to.equal('the client has ended');
    expect(server.received.map(String)).to.deep.equal(['HELLO', 'hel']);
  });

  it('ends, resets and says nothing', async () => {
    const scripts: Record<string, Script> = {
      end: (line) => line.end(),
      reset: (line) => line.reset(),
      stall: (line) => line.stall(),
      fail: () => {
        throw new Error('wrong');
      },
    };
    const outcomes: Record<string, unknown> = {};
    const socket = await client(async (line) => scripts[String(await line.takeThrough('\n')).trim()]?.(line));
    socket.destroy();
    for (const name of ['end', 'reset', 'fail']) {
      const each = connect(server.port, '127.0.0.1').resume();
      each.write(`${name}\n`);
      outcomes[name] = await new Promise((resolve) => each.once('end', () => resolve('end')).once('error', resolve));
    }
    expect([outcomes['end'], (outcomes['reset'] as NodeJS.ErrnoException).code]).to.deep.equal(['end', 'ECONNRESET']);
    expect(server.failures).to.include('wrong');
    const silent = connect(server.port, '127.0.0.1').resume();
    silent.write('stall\n');
    await expectNoneLeft(() => (server.received.some((each) => String(each) === 'stall\n') ? [] : ['not there yet']));
    await Promise.all([once(silent, 'close'), server.close()]); // what stalls ends here
  });

  it('joins a connection with another', async () => {
    const far = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
    await once(far, 'listening');
    const socket = await client(async (line) => {
      await line.expect('go\n');
      await line.send('ok\n');
      await line.pipeTo((far.address() as { port: number }).port);
    }, true);
    socket.end('go\nthere and back');
    expect(String(await readAll(socket))).to.equal('ok\nthere and back');
    far.close();
  });

  it('ends a connection that cannot be joined', async () => {
    const socket = await client((line) => line.pipeTo(1));
    await once(socket.resume(), 'close');
    expect(server.failures).to.deep.equal(['connect ECONNREFUSED 127.0.0.1:1']);
  });

  it('listens on a unix socket', async () => {
    const folder = temporaryFolder();
    const path = join(folder.path, 'socket');
    server = await startScriptedServer((line) => line.send('hello').then(() => line.end()), { path });
    expect(String(await readAll(connect(path)))).to.equal('hello');
    folder.remove();
  });
});
