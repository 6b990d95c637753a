import { type ErrorCode, FdpassError, formatError, isFdpassError } from '@fdpass/core';
import { expect } from 'chai';
import { FakeNetwork, type World } from './fake-network.spec.js';
import type { HappyEyeballsOptions } from './index.js';

async function failure(world: World, options: HappyEyeballsOptions = {}, host?: string): Promise<FdpassError> {
  const network = new FakeNetwork(world);
  const dialling = network.dial(options, host).catch((error: unknown) => error);
  await network.clock.runAll();
  const error = await dialling;
  network.expectClean(undefined);
  if (!isFdpassError(error)) throw error;
  return error;
}

const MARK = new FdpassError('permission', 'option mark: operation not permitted', { hint: 'needs CAP_NET_ADMIN' });

interface Row {
  readonly what: string;
  readonly world: World;
  readonly options?: HappyEyeballsOptions;
  readonly host?: string;
  readonly code: ErrorCode;
  /** The whole line for the terminal. */
  readonly line: string;
}

const TABLE: readonly Row[] = [
  {
    what: 'a name without an address',
    world: { hosts: {} },
    code: 'unknown-host',
    line: 'cannot look up host.example: no such host; check the spelling',
  },
  {
    what: 'a name server that does not answer now',
    world: { aaaa: [0, 'EAI_AGAIN'], hosts: {} },
    code: 'unknown-host',
    line: 'cannot look up host.example: temporary failure in name resolution; check that the name server is reachable',
  },
  {
    what: 'a name without an address of the one family allowed',
    world: { a: [0, ['4a']], hosts: {} },
    options: { family: 6 },
    code: 'unknown-host',
    line: 'cannot look up host.example: no IPv6 address; check the spelling',
  },
  {
    what: 'a literal of the family that is not allowed',
    world: { hosts: {} },
    options: { family: 6 },
    host: '192.0.2.1',
    code: 'unknown-host',
    line: '192.0.2.1 is an IPv4 address, and this hop uses IPv6 only; see its options "family" and "bindAddress"',
  },
  {
    what: 'every address refused',
    world: { aaaa: [0, ['6a']], a: [0, ['4a']], hosts: { '6a': [1, 'ECONNREFUSED'], '4a': [1, 'ECONNREFUSED'] } },
    code: 'unreachable',
    line: 'cannot connect to host.example:22: connection refused (6a:22 connection refused, 4a:22 connection refused); check that it is running',
  },
  {
    what: 'one refused, one timed out',
    world: { aaaa: [0, ['6a']], a: [0, ['4a']], hosts: { '6a': [1, 'ECONNREFUSED'], '4a': [1, 'ETIMEDOUT'] } },
    code: 'unreachable',
    line: 'cannot connect to host.example:22: no address could be reached (6a:22 connection refused, 4a:22 connection timed out)',
  },
  {
    what: 'one without a route, one timed out',
    world: { aaaa: [0, ['6a']], a: [0, ['4a']], hosts: { '6a': [1, 'ENETUNREACH'], '4a': [1, 'ETIMEDOUT'] } },
    code: 'timeout',
    line: 'cannot connect to host.example:22: no address could be reached (6a:22 network unreachable, 4a:22 connection timed out)',
  },
  {
    what: 'every attempt too slow',
    world: { aaaa: [0, ['6a']], a: [0, ['4a']], hosts: {} },
    options: { attemptTimeout: 2000 },
    code: 'timeout',
    line: 'cannot connect to host.example:22: no answer within 2 s (6a:22 no answer within 2 s, 4a:22 no answer within 2 s)',
  },
  {
    what: 'a socket option that the system refuses',
    world: { aaaa: [0, ['6a']], a: [0, ['4a']], hosts: { '6a': [0, 'ENETUNREACH'], '4a': [0, MARK] } },
    code: 'permission',
    line: 'cannot connect to host.example:22: option mark: operation not permitted (6a:22 network unreachable, 4a:22 option mark: operation not permitted); needs CAP_NET_ADMIN',
  },
  {
    what: 'a look-up that failed beside attempts that failed',
    world: { aaaa: [0, 'EAI_AGAIN'], a: [0, ['4a']], hosts: { '4a': [1, 'EHOSTUNREACH'] } },
    code: 'unreachable',
    line: 'cannot connect to host.example:22: no route to host (4a:22 no route to host, IPv6 look-up temporary failure in name resolution)',
  },
];

describe('happy eyeballs without a winner', () => {
  for (const { what, world, options, host, code, line } of TABLE) {
    it(`tells of ${what}`, async () => {
      const error = await failure(world, options, host);
      expect(formatError(error)).to.equal(line);
      expect(error.code).to.equal(code);
    });
  }

  it('keeps the errors of every attempt as the cause', async () => {
    const hosts = { '6a': [3, 'ENETUNREACH'], '4a': [1, 'ECONNREFUSED'] } as const;
    const error = await failure({ aaaa: [0, ['6a']], a: [0, ['4a']], hosts });
    expect(error.cause).to.be.instanceOf(AggregateError);
    const reasons = (error.cause as AggregateError).errors.map((attempt: Error) => attempt.message);
    expect(reasons).to.deep.equal(['network unreachable', 'connection refused']);
  });

  it('shows system errors of a foreign socket factory in words', async () => {
    const network = new FakeNetwork({ a: [0, ['4a']], hosts: {} });
    Object.assign(network, { open: () => Promise.reject(Object.assign(new Error('x'), { code: 'ECONNREFUSED' })) });
    const dialling = network.dial().catch(formatError);
    await network.clock.runAll();
    expect(await dialling).to.match(
      /^cannot connect to host\.example:22: connection refused \(4a:22 connection refused\)/,
    );
  });
});
