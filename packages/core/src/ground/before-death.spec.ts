import { run } from '@fdpass/test-lab';
import { expect } from 'chai';

const MODULE = JSON.stringify(new URL('before-death.js', import.meta.url).href);

const PROGRAM = `
import { writeSync } from 'node:fs';
const { beforeDeath, prepareForDeath } = await import(${MODULE});
const print = (word) => void writeSync(1, word + ' ');
const say = (word) => beforeDeath(() => print(word));
const die = (signal) => void process.kill(process.pid, signal);
setInterval(() => {}, 60_000);
`;

/** The rest of each program, what it prints, and its status or the signal that ends it. */
const TABLE: Readonly<Record<string, readonly [program: string, printed: string, end: string | number]>> = {
  'at a signal, the newest first': [`say('a'); say('b'); die('SIGTERM');`, 'b a', 'SIGTERM'],
  'at a hang-up': [`say('a'); die('SIGHUP');`, 'a', 'SIGHUP'],
  'at an interrupt': [`say('a'); die('SIGINT');`, 'a', 'SIGINT'],
  'at the exit of the program': [`say('a'); process.exit(3);`, 'a', 3],
  'at an error': [`say('a'); throw new Error();`, 'a', 1],
  once: [`say('a'); prepareForDeath(); process.exit(3);`, 'a', 3],
  'unless they are cancelled': [`say('a'); say('b')(); say('c'); die('SIGTERM');`, 'c a', 'SIGTERM'],
  'unless all are cancelled': [`say('a')(); die('SIGTERM');`, '', 'SIGTERM'],
  'again after all were cancelled': [`say('a')(); say('b'); die('SIGTERM');`, 'b', 'SIGTERM'],
  'not where the program listens to the signal': [
    `process.on('SIGTERM', () => { print('mine'); process.exit(4); }); say('a'); die('SIGTERM');`,
    'mine a',
    4,
  ],
  'not where the program listens since': [
    `say('a'); process.on('SIGTERM', () => { print('mine'); process.exit(4); }); die('SIGTERM');`,
    'mine a',
    4,
  ],
  'of two copies of the module': [
    `say('a'); const copy = await import(${MODULE} + '?copy'); copy.beforeDeath(() => print('b')); die('SIGTERM');`,
    'b a',
    'SIGTERM',
  ],
  'with no listener where nobody has any': [
    `const count = () => process.listenerCount('SIGTERM') + process.listenerCount('exit');
const before = count(); const cancel = say('a'); print(count() - before); cancel(); print(count() - before); process.exit();`,
    '2 0',
    0,
  ],
};

describe('actions before the end of a process run', () => {
  for (const [when, [program, printed, end]] of Object.entries(TABLE)) {
    it(when, async () => {
      const { stdout, status, signal } = await run(process.execPath, ['--input-type=module', '-e', PROGRAM + program]);
      expect([stdout.trim(), signal ?? status]).to.deep.equal([printed, end]);
    });
  }
});
