import { expect } from 'chai';
import { type LabOptions, requireLab, runInLab } from './net-lab.js';
import { expectNoneLeft, markedEnvironment, markedProcesses } from './processes.js';

const LAB: LabOptions = {
  addresses: ['192.0.2.1', '2001:db8:1::1'],
  blackholes: ['198.51.100.7', '2001:db8:dead::/48'],
  hosts: { 'host.example': ['2001:db8:dead::1', '192.0.2.1'] },
};

/** Runs JavaScript in the lab and gives what it printed as JSON. */
async function inLab(script: string, lab = LAB): Promise<unknown> {
  const { status, stdout, stderr } = await runInLab(lab, [process.execPath, '-e', script]);
  expect(status, stderr).to.equal(0);
  return JSON.parse(stdout);
}

/** What becomes of a connection; only where none is expected does the clock decide. */
const CONNECT = `
const net = require('node:net');
const outcome = (host, port, timeout) => new Promise((resolve) => {
  const socket = net.connect({ host, port, timeout });
  socket.once('connect', () => { resolve('connected'); socket.destroy(); });
  socket.once('error', (error) => resolve(error.code));
  socket.once('timeout', () => { resolve('silence'); socket.destroy(); });
});`;

describe('network lab', () => {
  beforeEach(function () {
    requireLab(this);
  });

  it('swallows what is sent to a black hole and answers elsewhere', async () => {
    const outcomes = await inLab(`${CONNECT}
      const server = net.createServer().listen(0, '::', async () => {
        const { port } = server.address();
        const live = await Promise.all(['192.0.2.1', '2001:db8:1::1', '127.0.0.1', '::1'].map((host) => outcome(host, port)));
        const closed = await outcome('192.0.2.1', 1);
        const dead = await Promise.all(['198.51.100.7', '2001:db8:dead::1', '2001:db8:dead:1::'].map((host) => outcome(host, port, 1000)));
        const nowhere = await outcome('203.0.113.1', port);
        const asked = require('node:child_process').execSync('ip neigh; ip -6 neigh', { encoding: 'utf8' });
        console.log(JSON.stringify({ live, closed, dead, nowhere, asked }));
        server.close();
      });`);
    expect(outcomes).to.deep.equal({
      live: ['connected', 'connected', 'connected', 'connected'],
      closed: 'ECONNREFUSED',
      dead: ['silence', 'silence', 'silence'],
      nowhere: 'ENETUNREACH',
      asked: '', // an unanswered question for a neighbour would end the silence with EHOSTUNREACH after three seconds
    });
  });

  it('knows the names it is given and no others', async () => {
    const answers = await inLab(`
      const { lookup } = require('node:dns/promises');
      const all = (name) => lookup(name, { all: true, verbatim: true }).then((found) => found.map(({ address }) => address), (error) => error.code);
      Promise.all(['host.example', 'other.example'].map(all)).then((found) => console.log(JSON.stringify(found)));`);
    const [host, other] = answers as [string[], string];
    expect(host.sort()).to.deep.equal(['192.0.2.1', '2001:db8:dead::1']);
    expect(other).to.match(/^(ENOTFOUND|EAI_AGAIN)$/);
  });

  it('asks the name server it is given', async () => {
    const question = await inLab(
      `
      const { lookup } = require('node:dns');
      const server = require('node:dgram').createSocket('udp4').bind(53, '192.0.2.1', () => lookup('asked.example', { family: 4 }, () => {}));
      server.once('message', (query) => { console.log(JSON.stringify(query.toString('latin1', 13, 18))); process.exit(); });`,
      { ...LAB, nameServer: '192.0.2.1' },
    );
    expect(question).to.equal('asked');
  });

  it('gives the exit status, and ends with the command whatever that has left behind', async () => {
    const { env, marker } = markedEnvironment();
    const result = await runInLab(LAB, ['sh', '-c', 'sleep 1000 >/dev/null 2>&1 & echo out; echo err >&2; exit 3'], {
      env,
    });
    expect([result.status, result.stdout, result.stderr]).to.deep.equal([3, 'out\n', 'err\n']);
    await expectNoneLeft(() => markedProcesses(marker));
  });

  it('ends everything at the deadline', async () => {
    const { env, marker } = markedEnvironment();
    const error = await runInLab(LAB, ['sh', '-c', 'sleep 1000 & wait'], { env, timeoutMs: 500 }).catch(String);
    expect(error).to.contain('did not end within 500 ms');
    await expectNoneLeft(() => markedProcesses(marker));
  });

  it('says what is wrong with an address', async () => {
    const result = await runInLab({ blackholes: ['nonsense'] }, ['true']);
    expect(result.status).not.to.equal(0);
    expect(result.stderr).to.contain('nonsense');
  });
});
