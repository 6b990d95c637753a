import { expect } from 'chai';
import { type ErrorCode, FdpassError, formatError } from '../ground/errors.js';
import { fromSystemError } from '../ground/system-error.js';
import { allFailed, connectFailed, type Failure } from './failures.js';

function failed(code: ErrorCode, cause?: unknown): FdpassError {
  return new FdpassError(code, `it is ${code}`, { hint: `mend ${code}`, cause });
}

function system(code: string): FdpassError {
  return fromSystemError(Object.assign(new Error(code), { code }));
}

function failuresOf(...errors: readonly unknown[]): Failure[] {
  return errors.map((error, index) => ({ label: `way ${index + 1}`, error }));
}

/** From what helps most to what helps least. */
const RANKING: readonly (readonly [what: string, ...same: readonly FdpassError[]])[] = [
  ['what the user has to mend in the config', failed('config'), failed('usage')],
  ['what the user has to mend elsewhere', failed('permission'), system('EACCES')],
  ['a fault of this machine or of ours', failed('internal'), system('EMFILE')],
  ['a wrong answer', failed('protocol')],
  ['a refusal', system('ECONNREFUSED'), system('ECONNRESET'), failed('unreachable')],
  ['silence', system('ETIMEDOUT'), failed('timeout')],
  [
    'a network that cannot be reached',
    system('ENETUNREACH'),
    system('EHOSTUNREACH'),
    system('ENETDOWN'),
    system('EADDRNOTAVAIL'),
    system('EAFNOSUPPORT'),
    connectFailed('host:22', failuresOf(system('ENETUNREACH'))),
    connectFailed('host:22', failuresOf(system('ENETUNREACH'), system('EHOSTUNREACH'))),
  ],
  ['a name that nobody knows', failed('unknown-host'), system('ENOTFOUND')],
];

describe('the failure that helps most', () => {
  for (const [index, [what, ...higher]] of RANKING.entries()) {
    const lower = RANKING.slice(index + 1);
    if (lower.length === 0) continue;
    it(`is ${what} rather than ${lower[0]?.[0]}, or what is below that`, () => {
      for (const more of higher) {
        for (const less of lower.flatMap(([, ...errors]) => errors)) {
          for (const failures of [failuresOf(more, less), failuresOf(less, more)]) {
            const error = allFailed('none works', failures);
            expect([error.code, error.hint], `${more.message} and ${less.message}`).to.deep.equal([
              more.code,
              more.hint,
            ]);
          }
        }
      }
    });
  }

  it('is the first of two that are alike', () => {
    const error = allFailed(
      'none works',
      failuresOf(new FdpassError('timeout', 'a', { hint: 'first' }), new FdpassError('timeout', 'b', { hint: 'then' })),
    );
    expect(error.hint).to.equal('first');
  });

  it('is the refusal where only some of the addresses are of a network that cannot be reached', () => {
    const mixed = connectFailed('host:22', failuresOf(system('ENETUNREACH'), system('ECONNREFUSED')));
    expect(allFailed('none works', failuresOf(failed('timeout'), mixed)).code).to.equal('unreachable');
    const silent = connectFailed('host:22', failuresOf(system('ENETUNREACH'), system('ETIMEDOUT')));
    expect(silent.code).to.equal('timeout');
  });
});

describe('the error of several routes', () => {
  it('has an entry for each, in order, and all as its cause', () => {
    const errors = [failed('timeout'), failed('unreachable')];
    const error = allFailed('none of 2 routes works', failuresOf(...errors));
    expect([error.message, error.attempts]).to.deep.equal([
      'none of 2 routes works',
      [
        { address: 'way 1', reason: 'it is timeout' },
        { address: 'way 2', reason: 'it is unreachable' },
      ],
    ]);
    expect(error.cause).to.be.instanceOf(AggregateError);
    expect((error.cause as AggregateError).errors).to.deep.equal(errors);
  });

  it('has each as data, with its own hint, and the hop where the label leaves open which it was', () => {
    const attempts = [{ address: '[::1]:22', reason: 'connection refused' }];
    const nested = allFailed('none of 2 routes works', failuresOf(failed('timeout'), failed('protocol')));
    const fails = (hop: string): FdpassError => new FdpassError('unreachable', 'no', { hop, hint: 'try', attempts });
    const { routes } = allFailed('none of 5 routes works', [
      { label: 'corp (http://p)', error: fails('corp (http://p)') },
      { label: 'direct 10.0.0.1', error: fails('direct') },
      { label: 'corp (http://p) -> tor', error: fails('corp (http://p)') },
      { label: 'corp', error: fails('corporation') },
      { label: 'race', error: nested },
    ]);
    expect(routes.map(({ label, hop }) => [label, hop])).to.deep.equal([
      ['corp (http://p)', undefined],
      ['direct 10.0.0.1', undefined],
      ['corp (http://p) -> tor', 'corp (http://p)'],
      ['corp', 'corporation'],
      ['race', undefined],
    ]);
    expect(routes[0]).to.deep.include({ message: 'no', hint: 'try', attempts, routes: [] });
    expect(routes[4]?.routes).to.deep.equal(nested.routes);
    expect(nested.routes.map(({ hint }) => hint)).to.deep.equal(['mend timeout', 'mend protocol']);
  });

  it('puts the attempts of one in brackets if it had several', () => {
    const attempts = [
      { address: '[::1]:22', reason: 'connection refused' },
      { address: '127.0.0.1:22', reason: 'no answer' },
    ];
    const inner = new FdpassError('unreachable', 'cannot connect to h:22: no address could be reached', { attempts });
    const single = new FdpassError('timeout', 'cannot connect to i:22: no answer', { attempts: attempts.slice(0, 1) });
    expect(allFailed('none works', failuresOf(inner, single)).attempts).to.deep.equal([
      {
        address: 'way 1',
        reason:
          'cannot connect to h:22: no address could be reached [[::1]:22 connection refused, 127.0.0.1:22 no answer]',
      },
      { address: 'way 2', reason: 'cannot connect to i:22: no answer' },
    ]);
  });

  it('is the error itself if there is one only, with the hop that it names', () => {
    const single = new FdpassError('protocol', 'wrong answer', { hop: 'socks5://127.0.0.1:1080' });
    expect(allFailed('none of 1 routes works', failuresOf(single))).to.equal(single);
  });

  it('takes what others throw, a system error or anything else', () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    const error = allFailed('none works', failuresOf(new Error('boom'), refused, 'text'));
    expect([error.code, error.attempts.map(({ reason }) => reason)]).to.deep.equal([
      'internal',
      ['boom', 'connection refused', 'text'],
    ]);
    expect(allFailed('none works', failuresOf(refused)).code).to.equal('unreachable');
  });

  it('is our fault if nothing was tried', () => {
    const error = allFailed('none of 0 routes works', []);
    expect([error.code, error.message, error.attempts]).to.deep.equal(['internal', 'none of 0 routes works', []]);
  });
});

describe('the error of a place', () => {
  const rows: readonly (readonly [what: string, errors: readonly unknown[], code: ErrorCode, line: string])[] = [
    [
      'a single address',
      [system('ECONNREFUSED')],
      'unreachable',
      'cannot connect to host:22: connection refused (way 1 connection refused); check that it is running, and the port',
    ],
    [
      'addresses that agree',
      [system('ECONNRESET'), system('ECONNRESET')],
      'unreachable',
      'cannot connect to host:22: connection reset (way 1 connection reset, way 2 connection reset)',
    ],
    [
      'addresses that do not agree',
      [system('ETIMEDOUT'), system('ECONNREFUSED')],
      'unreachable',
      'cannot connect to host:22: no address could be reached (way 1 connection timed out, way 2 connection refused)',
    ],
    [
      'one that the user has to mend something for',
      [system('ECONNREFUSED'), new FdpassError('config', 'no such card', { hint: 'plug it in' })],
      'config',
      'cannot connect to host:22: no such card (way 1 connection refused, way 2 no such card); plug it in',
    ],
    [
      'silence and a network that cannot be reached',
      [system('ENETUNREACH'), system('ETIMEDOUT')],
      'timeout',
      'cannot connect to host:22: no address could be reached (way 1 network unreachable, way 2 connection timed out)',
    ],
    ['nothing', [], 'unreachable', 'cannot connect to host:22: no address could be reached'],
  ];
  for (const [what, errors, code, line] of rows) {
    it(`tells of ${what}`, () => {
      const error = connectFailed('host:22', failuresOf(...errors));
      expect([error.code, formatError(error)]).to.deep.equal([code, line]);
    });
  }

  it('lists what else went wrong, which decides nothing', () => {
    const more = [{ address: 'IPv6 look-up', reason: 'temporary failure in name resolution' }];
    const error = connectFailed('host:22', failuresOf(system('ECONNREFUSED')), more);
    expect([error.code, error.attempts]).to.deep.equal([
      'unreachable',
      [{ address: 'way 1', reason: 'connection refused' }, ...more],
    ]);
  });

  it('has the system error of a single address as its cause, and the errors of all otherwise', () => {
    const refused = system('ECONNREFUSED');
    expect(connectFailed('host:22', failuresOf(refused)).cause).to.equal(refused.cause);
    const bare = failed('timeout');
    expect(connectFailed('host:22', failuresOf(bare)).cause).to.equal(bare);
    const { cause } = connectFailed('host:22', failuresOf(refused, bare));
    expect((cause as AggregateError).errors).to.deep.equal([refused, bare]);
  });
});
