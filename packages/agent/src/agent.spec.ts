import { once } from 'node:events';
import { chmodSync, existsSync, lstatSync, mkdirSync, readSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { FdpassError } from '@fdpass/core';
import {
  DescriptorConnection,
  encodeMuxPacket,
  loadSys,
  MUX_MSG_HELLO,
  MUX_S_FAILURE,
  MUX_S_SESSION_OPENED,
} from '@fdpass/core/sockets';
import { expectDescriptorsBack, listenAsOther, makePipe, requirePeers, run, temporaryFolder } from '@fdpass/test-lab';
import { VirtualClock } from '@fdpass/testkit';
import { expect } from 'chai';
import { Agent, type AgentOptions } from './agent.js';
import { callAgent } from './call.js';
import { serveClient } from './client.js';
import {
  MUX_C_ALIVE_CHECK,
  MUX_C_NEW_SESSION,
  MUX_C_STOP_LISTENING,
  MUX_C_TERMINATE,
  MUX_S_ALIVE,
  MUX_S_EXIT_MESSAGE,
  MUX_S_OK,
} from './constants.js';
import { MuxClient } from './mux-client.spec.helper.js';
import { type AgentRequest, Environments, type Serve } from './request.js';

describe('the agent', () => {
  const sys = loadSys();
  const folder = temporaryFolder();
  const socket = join(folder.path, 'private/agent.sock');
  let agent: Agent | undefined;
  const clients: MuxClient[] = [];
  const fds: number[] = [];
  after(() => folder.remove());
  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    for (const fd of fds.splice(0)) sys.close(fd);
    agent?.leave();
    await agent?.ended;
    agent = undefined;
  });
  expectDescriptorsBack();

  async function start(options: Partial<AgentOptions> = {}): Promise<Agent> {
    const serve: Serve = () => async () => 0;
    agent = await Agent.start({ socket, serve, idleMs: 0, ...options });
    return agent;
  }

  async function connect(options?: { hello?: boolean }): Promise<MuxClient> {
    const client = await MuxClient.connect(socket, options);
    clients.push(client);
    return client;
  }

  /** Three streams for a session, and the other end of the one that is stdin and stdout. */
  function streams(): { readonly given: readonly number[]; readonly caller: number; readonly stderr: number } {
    const [ours, caller] = sys.socketpair();
    const [stderr, writer] = makePipe();
    fds.push(ours, caller, stderr, writer);
    return { given: [ours, ours, writer], caller, stderr };
  }

  it('answers as a multiplexing master: hello, alive check, and a clear refusal of what it does not do', async () => {
    await start();
    const client = await connect({ hello: false });
    const hello = client.receive();
    await client.send(MUX_MSG_HELLO, 4);
    expect((await hello).fields.uint32()).to.equal(4);
    await client.send(MUX_C_ALIVE_CHECK, 3);
    const { type, fields } = await client.receive();
    expect([type, fields.uint32(), fields.uint32()]).to.deep.equal([MUX_S_ALIVE, 3, process.pid]);
    for (const [request, what] of [
      [0x10000006, 'port forwarding'],
      [0x10000008, 'stdio forwarding (ssh -W)'],
      [0x1000000f, 'the proxy mode (ssh -O proxy)'],
      [0x10000099, 'requests of type 0x10000099'],
    ] as const) {
      await client.send(request, 4);
      const { type, fields } = await client.receive();
      expect([type, fields.uint32(), fields.text()]).to.deep.equal([
        MUX_S_FAILURE,
        4,
        `the fdpass agent does not support ${what}`,
      ]);
    }
  });

  it('serves a session with the very streams of its client, its words and its environment', async () => {
    let seen: AgentRequest | undefined;
    await start({
      serve: () => async (request) => {
        seen = request;
        sys.send(request.stdout, Buffer.from('out'), 0);
        writeFileSync(request.stderr, 'err');
        expect(sys.recv(request.stdin, Buffer.alloc(8), 0)).to.equal(2);
        return 69;
      },
    });
    const client = await connect();
    const { given, caller, stderr } = streams();
    sys.send(caller, Buffer.from('in'), 0);
    await client.requestSession("/bin/fdpass\n--user\nit's\n\nhost\n22", given, ['A=b=c', 'EMPTY=', 'ODD']);
    const opened = await client.receive();
    expect([opened.type, opened.fields.uint32()]).to.deep.equal([MUX_S_SESSION_OPENED, 7]);
    const session = opened.fields.uint32();
    const ended = await client.receive();
    expect([ended.type, ended.fields.uint32(), ended.fields.uint32()]).to.deep.equal([MUX_S_EXIT_MESSAGE, session, 69]);
    await client.closed();
    expect(seen?.words).to.deep.equal(['/bin/fdpass', '--user', "it's", '', 'host', '22']);
    expect(seen?.environment).to.deep.equal({ A: 'b=c', EMPTY: '', ODD: '' });
    expect(seen?.pid).to.equal(process.pid);
    const read = Buffer.alloc(8);
    expect(read.toString('latin1', 0, sys.recv(caller, read, 0))).to.equal('out');
    expect(read.toString('latin1', 0, readSync(stderr, read))).to.equal('err');
  });

  it('looks at what a client asks for before its streams have come', async () => {
    let looked = (_words: readonly string[]): void => {};
    const words = new Promise<readonly string[]>((resolve) => {
      looked = resolve;
    });
    await start({
      serve: (question) => {
        looked(question.words);
        return async () => 7;
      },
    });
    const client = await connect();
    await client.send(MUX_C_NEW_SESSION, 7, '', 0, 0, 0, 0, 0, '', '/bin/fdpass\nhost\n22');
    expect(await words).to.deep.equal(['/bin/fdpass', 'host', '22']);
    for (const fd of streams().given) await client.passDescriptor(fd);
    await client.receive();
    const { type, fields } = await client.receive();
    fields.uint32();
    expect([type, fields.uint32()]).to.deep.equal([MUX_S_EXIT_MESSAGE, 7]);
    await client.closed();
  });

  it('tells a session that its client has gone', async () => {
    let aborted = (_reason: unknown): void => {};
    const abort = new Promise((resolve) => {
      aborted = resolve;
    });
    await start({
      serve:
        () =>
        ({ signal }) =>
          new Promise((resolve) => {
            signal.addEventListener('abort', () => {
              aborted(signal.reason);
              resolve(1);
            });
          }),
    });
    const client = await connect();
    await client.requestSession('x', streams().given);
    client.close();
    expect(await abort).to.have.property('message', 'the client of the agent has exited');
  });

  it('refuses the clients of other users', async () => {
    const [ours, theirs] = sys.socketpair();
    sys.setNonBlocking(ours, true);
    const duties = {
      sys,
      clock: new VirtualClock(),
      uid: (process.geteuid?.() ?? 0) + 1,
      environments: new Environments(),
      serve: () => async () => 0,
      status: () => '',
      stopListening: () => {},
    };
    const failed = await serveClient(new DescriptorConnection(ours, sys), duties).catch((error: unknown) => error);
    expect(failed).to.include({ code: 'permission' });
    expect(sys.isAtEnd(theirs)).to.equal(true);
    sys.close(theirs);
  });

  const lies: readonly [what: string, complaint: RegExp, lie: (client: MuxClient) => Promise<void>][] = [
    ['another version', /speaks version 5 of the protocol, not 4/, (client) => client.send(MUX_MSG_HELLO, 5)],
    ['no hello', /did not begin with a hello/, (client) => client.send(MUX_C_ALIVE_CHECK, 4)],
    [
      'a packet without an end',
      /a hello of 2147483647 bytes/,
      (client) => client.sendBytes(Buffer.from([0x7f, 0xff, 0xff, 0xff])),
    ],
    ['a packet without a type', /a hello of 3 bytes/, (client) => client.sendBytes(Buffer.from([0, 0, 0, 3]))],
    [
      'a session cut short',
      /a packet of the control socket is cut short/,
      async (client) => {
        await client.send(MUX_MSG_HELLO, 4);
        await client.receive();
        await client.send(MUX_C_NEW_SESSION, 7, 1000);
        for (const fd of streams().given) await client.passDescriptor(fd);
      },
    ],
    [
      'a session without streams',
      /sent data but no descriptor/,
      async (client) => {
        await client.send(MUX_MSG_HELLO, 4);
        await client.receive();
        await client.send(MUX_C_NEW_SESSION, 7, '', 0, 0, 0, 0, 0, '', 'x');
        await client.passDescriptor(streams().given[0] ?? -1);
        await client.sendBytes(Buffer.from('no descriptor'));
      },
    ],
  ];
  for (const [what, complaint, lie] of lies) {
    it(`closes the connection to a client that sends ${what}, and says so`, async () => {
      const said: string[] = [];
      await start({ report: (line) => said.push(line) });
      const client = await connect({ hello: false });
      if (!what.includes('session')) await client.receive();
      await lie(client);
      await client.closed();
      expect(said).to.have.length(1);
      expect(said[0])
        .to.match(/^a client was not served: /)
        .and.match(complaint);
    });
  }

  it('gives a client ten seconds for its requests, and a session as long as it needs', async () => {
    const clock = new VirtualClock();
    let finish = (_status: number): void => {};
    const begun = new Promise<void>((resolve) => {
      void start({
        clock,
        serve: () => () =>
          new Promise((done) => {
            finish = done;
            resolve();
          }),
      });
    });
    await new Promise(setImmediate);
    const slow = await connect();
    const busy = await connect();
    await busy.requestSession('x', streams().given);
    await begun;
    await clock.advance(10_000);
    await slow.closed();
    finish(3);
    expect((await busy.receive()).type).to.equal(MUX_S_SESSION_OPENED);
  });

  for (const [what, lose] of [
    [
      'another agent has taken its place',
      () => {
        writeFileSync(`${socket}.new`, ''); // first, so that it has another inode
        renameSync(`${socket}.new`, socket);
      },
    ],
    ['its socket is gone', () => rmSync(socket)],
  ] as const) {
    it(`ends within a minute when ${what}, unless it is a proxy besides`, async () => {
      for (const listening of [[], ['127.0.0.1:1080']]) {
        const clock = new VirtualClock();
        const { ended } = await start({ clock, listening });
        await clock.advance(60_000);
        expect(agent?.isListening).to.equal(true);
        lose();
        await clock.advance(60_000);
        expect(agent?.isListening).to.equal(listening.length > 0);
        agent?.leave();
        await ended;
        expect(clock.pending).to.equal(0);
        rmSync(socket, { force: true });
      }
    });
  }

  it('sends away more clients than it can have', async () => {
    await start({ maxClients: 1 });
    await connect();
    const client = await MuxClient.connect(socket, { hello: false });
    await client.closed();
    client.close();
  });

  describe('has a socket that', () => {
    it('only its user can reach, in a folder that only its user can enter', async () => {
      mkdirSync(join(folder.path, 'private'), { recursive: true });
      chmodSync(join(folder.path, 'private'), 0o755);
      await start();
      expect(lstatSync(socket).mode & 0o777).to.equal(0o600);
      expect(lstatSync(join(folder.path, 'private')).mode & 0o777).to.equal(0o700);
    });

    it('is not made where others can write', async () => {
      const open = join(folder.path, 'open');
      mkdirSync(open);
      chmodSync(open, 0o777);
      const failed = await Agent.start({
        socket: join(open, 'agent.sock'),
        serve: () => async () => 0,
        idleMs: 0,
      }).catch((error: unknown) => error);
      expect(failed).to.be.instanceOf(FdpassError).and.include({ code: 'config' });
    });

    it('takes the place of another agent, whose end does not remove it', async () => {
      const old = await start();
      const fresh = await start();
      old.leave();
      await old.ended;
      expect(existsSync(socket)).to.equal(true);
      fresh.leave();
      await fresh.ended;
      expect(existsSync(socket)).to.equal(false);
    });
  });

  describe('ends', () => {
    it('when nobody has asked for a while, and not before', async () => {
      const clock = new VirtualClock();
      const idle = await start({ clock, idleMs: 1000 });
      await clock.advance(600);
      const client = await connect();
      await clock.advance(600);
      client.close();
      while (idle.status.active > 0) await new Promise(setImmediate);
      await clock.advance(999);
      expect(existsSync(socket)).to.equal(true);
      await clock.advance(1);
      await idle.ended;
      expect([existsSync(socket), clock.pending]).to.deep.equal([false, 0]);
    });

    it('at MUX_C_TERMINATE, when the sessions and what they keep it for are over', async () => {
      let finish = (): void => {};
      const { ended } = await start({
        serve:
          () =>
          async ({ keepAlive }) => {
            keepAlive(
              new Promise<void>((resolve) => {
                finish = resolve;
              }),
            );
            return 0;
          },
      });
      let isOver = false;
      void ended.then(() => {
        isOver = true;
      });
      const session = await connect();
      await session.requestSession('x', streams().given);
      await session.receive();
      const client = await connect();
      await client.send(MUX_C_TERMINATE, 5);
      expect((await client.receive()).type).to.equal(MUX_S_OK);
      client.close();
      session.close();
      await turns();
      expect([existsSync(socket), isOver]).to.deep.equal([false, false]);
      finish();
      await ended;
    });

    it('after MUX_C_STOP_LISTENING, with its last client', async () => {
      const { ended } = await start();
      const client = await connect();
      await client.send(MUX_C_STOP_LISTENING, 5);
      expect((await client.receive()).type).to.equal(MUX_S_OK);
      expect(existsSync(socket)).to.equal(false);
      await client.send(MUX_C_ALIVE_CHECK, 6);
      expect((await client.receive()).type).to.equal(MUX_S_ALIVE);
      client.close();
      await ended;
    });
  });

  describe('is called', () => {
    it('for its status, and to end', async () => {
      const { ended } = await start();
      const call = await callAgent(socket);
      expect(await call?.status()).to.include({ pid: process.pid, served: 0, left: 0, active: 1, isActivated: false });
      await call?.terminate();
      call?.close();
      await ended;
    });

    it('with a limit for each answer, and not for the time between them', async () => {
      const clock = new VirtualClock();
      const agent = await start();
      const call = await callAgent(socket, clock);
      await clock.advance(60_000);
      expect(await call?.status()).to.include({ pid: process.pid });
      call?.close();
      agent.leave();
      await agent.ended;

      const silent = createServer((client) => client.on('error', () => {}).resume()).listen(socket);
      await once(silent, 'listening');
      const calling = callAgent(socket, clock).catch((error: unknown) => error);
      await once(silent, 'connection');
      await turns();
      await clock.advance(5000);
      expect(await calling).to.include({ code: 'timeout', summary: `the agent at ${socket} does not answer` });
      silent.close();
    });

    it('in vain where none listens', async () => {
      expect(await callAgent(socket)).to.equal(undefined);
      writeFileSync(join(folder.path, 'file'), '');
      expect(await callAgent(join(folder.path, 'file'))).to.equal(undefined);
    });

    it('not where the process that listens is of another user, whoever has the file', async function () {
      if (process.getuid?.() !== 0) this.skip();
      const path = join(folder.path, 'foreign/agent.sock');
      mkdirSync(dirname(path));
      const listener = await listenAsOther(path);
      const failed = await callAgent(path).catch((error: unknown) => error);
      expect(String(await listener.close())).to.equal('');
      expect(failed).to.include({
        code: 'config',
        summary: `the agent at ${path} belongs to the user with uid 65534`,
      });
    });

    const others: Readonly<Record<string, Buffer>> = {
      'another protocol': Buffer.from('SSH-2.0-other\r\n'),
      'a master of ssh': Buffer.concat([
        encodeMuxPacket(MUX_MSG_HELLO, 4),
        encodeMuxPacket(MUX_S_FAILURE, 1, 'unsupported request'),
      ]),
    };
    for (const [what, says] of Object.entries(others)) {
      it(`where ${what} is, which is an error`, async () => {
        const path = join(folder.path, 'other.sock');
        const server = createServer((client) =>
          client
            .on('error', () => {})
            .resume()
            .end(says),
        ).listen(path);
        await once(server, 'listening');
        const failed = await callAgent(path)
          .then((call) => call?.status().finally(call.close))
          .catch((error: unknown) => error);
        server.close();
        expect(failed).to.be.instanceOf(FdpassError).and.include({ code: 'protocol' });
      });
    }
  });

  it("is one that ssh's own commands work on", async function () {
    requirePeers(this, 'ssh');
    const { ended } = await start();
    const ssh = (command: string): ReturnType<typeof run> =>
      run('ssh', ['-F', 'none', '-S', socket, '-O', command, 'agent']);
    expect((await ssh('check')).stderr).to.equal(`Master running (pid=${process.pid})\r\n`);
    expect((await ssh('forward')).stderr).to.equal('');
    expect((await ssh('exit')).stderr).to.equal('Exit request sent.\r\n');
    await ended;
  });
});

/** Until events of descriptors have been delivered. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
}
