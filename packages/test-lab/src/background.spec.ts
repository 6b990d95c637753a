import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { expect } from 'chai';
import { freePort, startServer, temporaryFolder } from './background.js';
import {
  expectNoDescriptorLeft,
  expectNoneLeft,
  killMarked,
  markedEnvironment,
  markedProcesses,
  openDescriptors,
} from './processes.js';

/** A server as a program: says that it is there, and keeps a child in a session of its own, as sshd does. */
const SERVER = `
const { spawn } = require('node:child_process');
require('node:net').createServer().listen(Number(process.argv[1]), '127.0.0.1', () => {
  console.log('listening');
  spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
});`;

const program = (script: string) => (port: number) => ['-e', script, String(port)];

describe('servers in the background', () => {
  const { env, marker } = markedEnvironment();
  const left = (): string[] => markedProcesses(marker);
  afterEach(() => killMarked(marker));

  /** Until the server has its child, and no more. */
  const running = (): Promise<void> => expectNoneLeft(() => (left().length === 2 ? [] : ['not there yet']));

  it('are ready when they answer, and leave nothing when they are closed', async () => {
    const before = openDescriptors();
    const server = await startServer(process.execPath, program(SERVER), { env });
    await running();
    await expectNoneLeft(() => (server.output() === 'listening\n' ? [] : [`output: ${server.output()}`]));
    await server.close();
    await server.close();
    await expectNoneLeft(left);
    await expectNoDescriptorLeft(before);
  });

  it('try another port when theirs is taken before they start', async () => {
    const inTheWay = createServer();
    const ports: number[] = [];
    const argsFor = async (port: number): Promise<string[]> => {
      if (ports.push(port) === 1) await new Promise<void>((resolve) => inTheWay.listen(port, '127.0.0.1', resolve));
      return program(SERVER)(port);
    };
    const server = await startServer(process.execPath, argsFor, { env });
    expect(ports).to.have.lengthOf(2);
    expect(server.port).to.equal(ports[1]);
    await running();
    await server.close();
    inTheWay.close();
    await expectNoneLeft(left);
  });

  it('try another port when they end because theirs is taken', async () => {
    const inTheWay = createServer().listen(0, '127.0.0.1');
    await once(inTheWay, 'listening');
    const { port: taken } = inTheWay.address() as { port: number };
    const ports: number[] = [];
    const argsFor = (port: number): string[] => program(SERVER)(ports.push(port) === 1 ? taken : port);
    const server = await startServer(process.execPath, argsFor, { env });
    expect(server.port).to.equal(ports[1]);
    await running();
    await server.close();
    inTheWay.close();
    await expectNoneLeft(left);
  });

  const FAILURES = [
    {
      what: 'end at once',
      command: process.execPath,
      script: 'console.error("no good"); process.exit(1)',
      says: 'no good',
    },
    {
      what: 'never answer',
      command: process.execPath,
      script: 'setInterval(() => {}, 1000)',
      says: 'does not answer',
      timeoutMs: 300,
    },
    { what: 'are not there', command: '/nowhere/server', script: '', says: 'ENOENT' },
  ];
  for (const { what, command, script, says, timeoutMs } of FAILURES) {
    it(`that ${what} are given up with a word`, async () => {
      const before = openDescriptors();
      const error = await startServer(command, program(script), { env, timeoutMs }).catch(String);
      expect(error).to.contain(says);
      await expectNoneLeft(left);
      await expectNoDescriptorLeft(before);
    });
  }

  it('find free ports and make folders of their own', async () => {
    expect(await freePort()).to.be.within(1024, 65535);
    const folder = temporaryFolder();
    expect(existsSync(folder.path)).to.equal(true);
    folder.remove();
    expect(existsSync(folder.path)).to.equal(false);
  });
});
