import { Writable } from 'node:stream';
import { expect } from 'chai';
import { print } from './print.js';

/** A stdout whose reader answers when it is told to. */
function slowStdout(): { readonly stdout: Writable; answer(error?: Error): void } {
  let done: (error?: Error | null) => void = () => {};
  const write = (_: unknown, __: unknown, callback: typeof done): void => {
    done = callback;
  };
  return { stdout: new Writable({ write }), answer: (error) => done(error) };
}

const failure = (code: string): Error => Object.assign(new Error(code), { code });

describe('print', () => {
  it('ends when all is written, and no sooner', async () => {
    const { stdout, answer } = slowStdout();
    const seen: string[] = [];
    const printed = print('text', stdout).then(() => seen.push('printed'));
    await new Promise(setImmediate);
    seen.push('answer');
    answer();
    await printed;
    expect(seen).to.deep.equal(['answer', 'printed']);
    expect(stdout.listenerCount('error')).to.equal(0);
  });

  it('takes a reader that has gone for one that has enough', async () => {
    const { stdout, answer } = slowStdout();
    const printed = print('text', stdout);
    answer(failure('EPIPE'));
    await printed;
  });

  it('tells of any other failure', async () => {
    const { stdout, answer } = slowStdout();
    const printed = print('text', stdout);
    answer(failure('ENOSPC'));
    const error = await printed.then(
      () => undefined,
      (reason: Error) => reason,
    );
    expect(error).to.have.property('message', 'cannot write to stdout: no space left on the device');
  });
});
