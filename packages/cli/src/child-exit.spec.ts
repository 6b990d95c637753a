import { expect } from 'chai';
import { cannotRun } from './child-exit.js';

describe('a command that cannot be run', () => {
  const because = (code: string): Error => cannotRun(Object.assign(new Error(code), { code }));

  it('is not what the user typed wrong if no descriptor is left', () => {
    expect(because('EMFILE')).to.include({
      code: 'internal',
      message: 'cannot run the command: no file descriptor left in this process',
      hint: 'raise the limit: ulimit -n',
    });
    expect(because('ENOENT')).to.include({
      code: 'usage',
      message: 'cannot run the command: no such file or directory',
    });
  });
});
