import { type Finished, run } from '@fdpass/test-lab';
import { expect } from 'chai';

const HERE = new URL('.', import.meta.url);

/** A process that has a file open under each of these numbers before it becomes a program. */
const PROLOGUE = `
import { closeSync, openSync, readdirSync, readlinkSync } from 'node:fs';
import { becomeProgram } from '${new URL('become.js', HERE).href}';
import { loadSys } from '${new URL('koffi.js', HERE).href}';
const sys = loadSys();
const file = openSync('/etc/passwd');
const listing = () => readdirSync('/proc/self/fd').flatMap((fd) => {
  try { return [fd + ' ' + readlinkSync('/proc/self/fd/' + fd)]; } catch { return []; }
});
`;

/** Runs a program of ours that becomes another. */
function become(script: string, env: NodeJS.ProcessEnv = {}): Promise<Finished> {
  return run(process.execPath, ['--input-type=module', '-e', PROLOGUE + script], { env, input: '' });
}

/** A program that lists its descriptors. */
const LIST = ['find', '/proc/self/fd', '-type', 'l', '-printf', '%f %l\n'];

describe('a process that becomes a program', () => {
  before(function () {
    if (process.platform !== 'linux') this.skip(); // it looks into /proc
  });

  /** What the program gets, by the numbers under which it gets a file. */
  const NUMBERS: Readonly<Record<string, string>> = {
    'new numbers': '[[6, file], [7, file]]',
    'numbers that Node uses': '[[3, file], [4, file], [5, file], [6, file], [7, file], [8, file], [9, file]]',
    'the number that it has already': '[[file, file]]',
    'its standard input': '[[0, file]]',
  };
  for (const [what, copies] of Object.entries(NUMBERS)) {
    it(`gives it a descriptor under ${what}, and of its own only the standard streams`, async () => {
      const { stdout, stderr, status } = await become(`
        console.error(JSON.stringify(${copies}.map(([fd]) => fd)));
        becomeProgram(${JSON.stringify(LIST)}, new Map(${copies}), sys);`);
      const numbers = JSON.parse(stderr) as number[];
      const wanted = [...new Set([0, 1, 2, ...numbers])].sort((one, other) => one - other);
      const got = stdout
        .trimEnd()
        .split('\n')
        .filter((line) => !line.includes('/proc/')); // find's own
      expect(got.map((line) => Number.parseInt(line, 10))).to.include.members(wanted);
      const passwd = got.filter((line) => line.endsWith(' /etc/passwd')).map((line) => Number.parseInt(line, 10));
      expect([passwd, status]).to.deep.equal([[...numbers].sort((one, other) => one - other), 0]);
      expect(got.filter((line) => /eventpoll|eventfd|io_uring/.test(line))).to.deep.equal([]);
    });
  }

  it('gives it its arguments, its environment, and signals that nobody ignores or blocks', async () => {
    const script = `process.env.ADDED = 'yes'; delete process.env.REMOVED;
      const show = 'printf "%s\\\\n" "$@" "$ADDED" "\${REMOVED-none}"; exec grep -E "^Sig(Ign|Blk)" /proc/self/status';
      becomeProgram(['sh', '-c', show, 'sh', 'a b', '', "it's"], new Map(), sys);`;
    const { stdout } = await become(script, { REMOVED: 'no' });
    const none = '0'.repeat(16);
    expect(stdout.split('\n')).to.deep.equal([
      'a b',
      '',
      "it's",
      'yes',
      'none',
      `SigBlk:\t${none}`,
      `SigIgn:\t${none}`,
      '',
    ]);
  });

  it('is as it was if the program cannot be run', async () => {
    const { stdout, stderr } = await become(`
      const before = listing();
      const failures = ['/nonexistent/program', '/etc/passwd'].map((program) => {
        try { becomeProgram([program], new Map([3, 4, 5, 6, 7, 8, 9].map((fd) => [fd, file])), sys); }
        catch ({ code, syscall }) { return [syscall, code]; }
      });
      const isSame = String(listing()) === String(before);
      setTimeout(() => process.stdout.write(JSON.stringify({ failures, isSame })), 1); // its event loop works`);
    expect([stdout === '' ? stderr : JSON.parse(stdout)]).to.deep.equal([
      {
        failures: [
          ['execvp', 'ENOENT'],
          ['execvp', 'EACCES'],
        ],
        isSame: true,
      },
    ]);
  });
});
