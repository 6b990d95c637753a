import { expect } from 'chai';
import { FdpassError, formatError } from '../ground/errors.js';
import { endlessInside, nestedEnvironment } from './nesting.js';

const TARGET = { host: 'bastion.example', port: 22 };
const SSH = ['ssh', '-W', '[bastion.example]:22', 'bastion.example'];

describe('programs inside of programs', () => {
  let before: string | undefined;
  beforeEach(() => {
    before = process.env['FDPASS_INSIDE'];
    delete process.env['FDPASS_INSIDE'];
  });
  afterEach(() => {
    if (before === undefined) delete process.env['FDPASS_INSIDE'];
    else process.env['FDPASS_INSIDE'] = before;
  });

  /** As a child of ours sees it, and everything that it starts. */
  function enter(argv: readonly string[], baseDir = '/'): void {
    process.env['FDPASS_INSIDE'] = nestedEnvironment(argv, baseDir, {}, TARGET)['FDPASS_INSIDE'];
  }

  it('get the environment that they are to have, which does not show their arguments', () => {
    const environment = nestedEnvironment(['tool', '--token=hush'], '/', { A: 'b' }, TARGET);
    expect(environment).to.have.keys('A', 'FDPASS_INSIDE').and.include({ A: 'b' });
    expect(environment['FDPASS_INSIDE']).to.match(/^[0-9a-f]{16}$/);
  });

  it('do not get the route that the environment names for the connection outside', () => {
    const environment = nestedEnvironment(SSH, '/', { FDPASS_VIA: 'jump://bastion', FDPASS_LOG: '/log' }, TARGET);
    expect(environment).to.have.keys('FDPASS_LOG', 'FDPASS_INSIDE');
  });

  it('are those that the environment tells of, which can be that of another process', () => {
    const { FDPASS_INSIDE } = nestedEnvironment(SSH, '/', {}, TARGET);
    expect(() => nestedEnvironment(SSH, '/', { FDPASS_INSIDE }, TARGET)).to.throw(/without end/);
    process.env['FDPASS_INSIDE'] = FDPASS_INSIDE;
    expect(() => nestedEnvironment(SSH, '/', { FDPASS_INSIDE: '' }, TARGET)).to.not.throw();
  });

  it('can be others, or the same with other arguments or of another config', () => {
    enter(['ssh', '-W', '[target.example]:22', 'bastion.example']);
    enter(SSH);
    enter(SSH, '/elsewhere');
    enter(['ssh', '-W', '[bastion.example]:22 bastion.example']);
  });

  it('cannot be the same again, however many are between', () => {
    enter(SSH);
    enter(['other']);
    expect(() => enter(SSH))
      .to.throw(
        FdpassError,
        'to reach bastion.example:22 it runs "ssh", which asks fdpass for bastion.example:22 again, without end',
      )
      .with.property('code', 'config');
  });

  it('cannot be nested deeper than any chain that means to end', () => {
    for (let depth = 0; depth < 16; depth++) enter(['grow', String(depth)]);
    expect(() => enter(['grow', '16'])).to.throw(/without end/);
  });

  it('say so from the inside out: each fdpass on the way has the same error', () => {
    enter(SSH);
    let error: unknown;
    try {
      enter(SSH);
    } catch (caught) {
      error = caught;
    }
    const output = `fdpass: bastion.example:22: rule 1: jump: ${formatError(error)}\nConnection closed by UNKNOWN port 65535\n`;
    const outer = endlessInside(output);
    expect(outer).to.deep.include({ code: 'config', message: (error as Error).message });
    expect(formatError(outer)).to.match(/; add a rule for that host above this one/);
    expect(endlessInside('Connection closed by UNKNOWN port 65535')).to.equal(undefined);
  });
});
