import { requireLab, runInLab } from '@fdpass/test-lab';
import { expect } from 'chai';
import { FDPASS_BIN, FDRECV_BIN } from './commands.spec.helper.js';

/** A name with an IPv6 address that swallows packets and a live IPv4 one, in a network namespace. */
const LAB = {
  addresses: ['192.0.2.1'],
  blackholes: ['2001:db8:dead::/48'],
  hosts: { 'both.example': ['2001:db8:dead::1', '192.0.2.1'], 'dead.example': ['2001:db8:dead::1'] },
};

/** Starts a server, then `fdrecv fdpass` with the arguments given, and prints what that says. */
const SCRIPT = `
const server = require('node:net').createServer((socket) => socket.on('error', () => {}).end('x')).listen(2022, '192.0.2.1', () => {
  const child = require('node:child_process').spawn(process.execPath, process.argv.slice(1), { stdio: ['ignore', 1, 1] });
  child.once('exit', (code) => process.exit(code));
});`;

describe('a dead IPv6 address', () => {
  before(function () {
    requireLab(this);
  });

  function fdrecvFdpass(...args: readonly string[]): ReturnType<typeof runInLab> {
    return runInLab(LAB, [process.execPath, '-e', SCRIPT, FDRECV_BIN, process.execPath, FDPASS_BIN, ...args]);
  }

  it('beside a live IPv4 one costs no more than the connection attempt delay', async () => {
    const { status, stdout } = await fdrecvFdpass('-vv', 'both.example', '2022');
    expect(status, stdout).to.equal(0);
    expect(stdout)
      .to.match(/connecting to \[2001:db8:dead::1\]:2022/)
      .and.match(/inet stream local \S+ peer 192\.0\.2\.1:2022/);
    // Not a measurement: the loser was still waiting when the winner came, so connect() had not timed out.
    expect(stdout).to.match(/ \[2001:db8:dead::1\]:2022: no longer needed/);
  });

  it('alone ends with the deadline, in one line', async () => {
    const { status, stdout } = await fdrecvFdpass('--timeout', '500ms', 'dead.example', '2022');
    expect(stdout).to.match(
      /fdpass: \[timeout\] dead\.example:2022: .*: timed out after 500 ms \(\[2001:db8:dead::1\]:2022 no answer\)/,
    );
    expect(stdout).to.match(/exited with status 75/);
    expect(status).to.equal(75); // fdrecv has the status of its command
  });
});
