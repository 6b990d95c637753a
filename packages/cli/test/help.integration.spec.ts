import { expect } from 'chai';
import { fdpass } from './commands.spec.helper.js';

describe('fdpass help', () => {
  it('shows one command, as COMMAND --help does', async () => {
    const [asked, ...others] = await Promise.all([
      fdpass(['help', 'explain']),
      fdpass(['explain', '--help']),
      fdpass(['-h', 'explain', 'host.example']),
    ]);
    expect(asked.stdout)
      .to.match(/^Usage:\n {2}fdpass explain \[options\] HOST/)
      .and.match(/\nExamples:\n {2}fdpass explain/);
    for (const other of others) expect(other.stdout).to.equal(asked.stdout);
  });

  it('shows all of them, as --help does', async () => {
    expect((await fdpass(['help'])).stdout).to.equal((await fdpass(['--help'])).stdout);
  });

  it('shows what an error means by its code, and all codes', async () => {
    expect((await fdpass(['help', 'unknown-host'])).stdout).to.match(/^\[unknown-host\] .*no such host/s);
    expect((await fdpass(['help', 'errors'])).stdout).to.match(/^ {2}timeout +75 /m);
  });

  it('knows what was meant', async () => {
    const { status, stderr } = await fdpass(['help', 'explian']);
    expect([status, stderr]).to.deep.equal([
      64,
      'fdpass: [usage] there is no command or code "explian"; did you mean "explain"?\n',
    ]);
  });
});
