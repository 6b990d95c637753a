import { expect } from 'chai';
import { addDetails, exitCodeOf, FdpassError, formatError, isFdpassError, stackOf } from './errors.js';
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

  describe('has what Node programs test for', () => {
    const details = { errno: -111, syscall: 'connect', address: '192.0.2.1', port: 22 };
    const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', ...details });
    const unknown = Object.assign(new Error('getaddrinfo ENOTFOUND'), {
      ...{ code: 'ENOTFOUND', errno: -3008, syscall: 'getaddrinfo', hostname: 'no.example' },
    });
    const ofNode = new FdpassError('unreachable', 'refused', { cause: refused });
    const cases: Readonly<Record<string, readonly [cause: unknown, found: object | undefined]>> = {
      'the error of a system call': [refused, details],
      'one further below': [new FdpassError('unreachable', 'refused', { cause: ofNode }), details],
      'the first of several attempts': [new AggregateError([new Error('no'), ofNode, unknown]), details],
      'a look-up': [unknown, { errno: -3008, syscall: 'getaddrinfo', hostname: 'no.example' }],
      'no system call': [new Error('no'), undefined],
      'no cause': [undefined, undefined],
    };
    for (const [name, [cause, found]] of Object.entries(cases)) {
      it(`of ${name}`, () => {
        const error = addDetails(new FdpassError('unreachable', 'failed', { cause }), { target });
        const { errno, syscall, address, port, hostname } = error;
        const given = Object.entries({ errno, syscall, address, port, hostname }).filter(
          ([, value]) => value !== undefined,
        );
        expect(Object.fromEntries(given)).to.deep.equal(found ?? {});
        expect('syscall' in error).to.equal(found !== undefined);
        expect(error.code).to.equal('unreachable');
      });
    }
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

  it('names the place in the config in place of the place of the rule, and its message begins with it', () => {
    const where = { file: '/f.yaml', line: 9, column: 14 };
    const error = new FdpassError('config', 'no such key', { where, rule: 'rule 2 "x" (/f.yaml:7:5)', hop: 'corp' });
    expect([error.message, error.summary]).to.deep.equal(['/f.yaml:9:14: no such key', 'no such key']);
    const line = '/f.yaml:9:14: rule 2 "x": corp: no such key';
    expect([formatError(error), formatError(addDetails(error, { target }))]).to.deep.equal([
      line,
      `host.example:22: ${line}`,
    ]);
    const inCode = new FdpassError('config', 'no such key', { where: { file: 'config.rules[0]', line: 0, column: 0 } });
    expect(formatError(inCode)).to.equal('config.rules[0]: no such key');
    const late = addDetails(new FdpassError('config', 'no such key'), { where });
    expect([late.message, addDetails(late, { where: { ...where, line: 1 } }).message]).to.deep.equal([
      error.message,
      error.message,
    ]);
  });

  it('is a line for each of several routes, with its own hint and attempts, deeper for routes in routes', () => {
    const attempts = [
      { address: '[::1]:1', reason: 'connection refused' },
      { address: '127.0.0.1:1', reason: 'no answer' },
    ];
    const plain = { message: 'timed out', attempts: [], routes: [] };
    const error = new FdpassError('unreachable', 'none of 2 routes works', {
      target,
      hop: 'first-of',
      hint: 'start it',
      attempts: [{ address: 'corp', reason: 'cannot connect to p:1' }],
      routes: [
        { ...plain, label: 'corp', message: 'cannot connect to p:1', hint: 'start it', attempts },
        {
          label: 'race',
          message: 'none of 2 routes works',
          hint: 'wait',
          attempts: [],
          routes: [
            { ...plain, label: 'a -> b', hop: 'b', hint: 'wait' },
            { ...plain, label: 'c', message: 'two\nlines\u001b' },
          ],
        },
      ],
    });
    expect(formatError(error).split('\n')).to.deep.equal([
      'host.example:22: first-of: none of 2 routes works',
      '  corp: cannot connect to p:1 ([::1]:1 connection refused, 127.0.0.1:1 no answer); start it',
      '  race: none of 2 routes works',
      '    a -> b: b: timed out; wait',
      '    c: two lines',
    ]);
  });

  it('lets nothing that others sent drive the terminal', () => {
    expect(formatError(new FdpassError('protocol', 'the proxy said \u001b[2J\r\nhello\u202e'))).to.not.match(
      /[\p{Cc}\p{Cf}]/u,
    );
  });

  it('has the stack of what a plugin threw, also in one of several routes, and none for failures of the network', () => {
    const bug = new TypeError('x is not a function');
    const refused = Object.assign(new Error('connect ECONNREFUSED'), { syscall: 'connect' });
    const [broken, network] = [bug, refused].map((cause) => new FdpassError('unreachable', 'no', { cause }));
    const several = (...errors: unknown[]): FdpassError =>
      new FdpassError('unreachable', 'none works', { cause: new AggregateError(errors) });
    expect(stackOf(several(network, several(broken)))).to.equal(bug.stack);
    expect(stackOf(several(network, new FdpassError('config', 'no')))).to.equal(undefined);
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
