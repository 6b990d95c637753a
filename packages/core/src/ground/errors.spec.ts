import { expect } from 'chai';
import { addDetails, exitCodeOf, FdpassError, formatError, isFdpassError } from './errors.js';
import { fromSystemError, reasonOf } from './system-error.js';

describe('errors', () => {
  const target = { host: 'host.example', port: 22 };

  it('has one exit code a code, by sysexits.h, and 70 for everything unknown', () => {
    const codes = [
      'usage',
      'protocol',
      'unknown-host',
      'unreachable',
      'internal',
      'timeout',
      'permission',
      'config',
    ] as const;
    expect(codes.map((code) => exitCodeOf(new FdpassError(code, '')))).to.deep.equal([64, 65, 68, 69, 70, 75, 77, 78]);
    expect(exitCodeOf(new TypeError('x'))).to.equal(70);
  });

  it('is one line: target, rule, hop, what, why and what to try', () => {
    const error = new FdpassError('unreachable', 'cannot connect', {
      target,
      rule: 'rule 2 (f:7:5)',
      hop: 'tor',
      hint: 'is tor running?',
      attempts: [{ address: '127.0.0.1:9050', reason: 'connection refused' }],
    });
    expect(formatError(error)).to.equal(
      'host.example:22: rule 2 (f:7:5): tor: cannot connect (127.0.0.1:9050 connection refused); is tor running?',
    );
  });

  it('lets nothing that others sent drive the terminal', () => {
    expect(formatError(new FdpassError('protocol', 'the proxy said \u001b[2J\r\nhello\u202e'))).to.not.match(
      /[\p{Cc}\p{Cf}]/u,
    );
  });

  it('is recognised across copies of the package by its brand', () => {
    const foreign = Object.assign(new Error('x'), {
      [Symbol.for('fdpass.error.v1')]: true,
      code: 'timeout',
      attempts: [],
    });
    expect(isFdpassError(foreign)).to.equal(true);
    expect(exitCodeOf(foreign)).to.equal(75);
    expect([isFdpassError(new Error('x')), isFdpassError(null), isFdpassError('x')]).to.deep.equal([
      false,
      false,
      false,
    ]);
  });

  it('fills in details without losing those it has', () => {
    const error = addDetails(new FdpassError('timeout', 'm', { hop: 'inner', cause: 'c' }), { hop: 'outer', target });
    expect([error.hop, error.target, error.cause, error.message]).to.deep.equal(['inner', target, 'c', 'm']);
  });

  it('says system errors in words', () => {
    const refused = fromSystemError(
      Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }),
      'cannot connect',
    );
    expect([refused.code, refused.message]).to.deep.equal(['unreachable', 'cannot connect: connection refused']);
  });

  it('keeps the words, the code and the hint of an error of ours that a stream broke with', () => {
    const ours = new FdpassError('permission', 'not for you', { hint: 'ask' });
    expect(reasonOf(ours)).to.equal('not for you');
    const { code, message, hint, cause } = fromSystemError(ours, 'the connection broke');
    expect([code, message, hint, cause]).to.deep.equal([
      'permission',
      'the connection broke: not for you',
      'ask',
      ours,
    ]);
  });

  for (const [host, shown] of [
    ['::1', '[::1]:1'],
    ['fe80::1%eth0', '[fe80::1%eth0]:1'],
    ['unix/run/a:b', 'unix/run/a:b:1'],
    ['127.0.0.1', '127.0.0.1:1'],
  ] as const) {
    it(`shows the target ${host} as ${shown}`, () => {
      const error = new FdpassError('unreachable', 'no', { target: { host, port: 1 } });
      expect(formatError(error)).to.equal(`${shown}: no`);
    });
  }
});
