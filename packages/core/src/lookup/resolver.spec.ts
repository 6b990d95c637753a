import { getEventListeners } from 'node:events';
import { expect } from 'chai';
import { formatError } from '../ground/errors.js';
import { rejection as failure } from '../ground/rejection.spec.helper.js';
import { createResolver, isNoAddress, type Lookup, sparingLocalhost, systemResolver } from './resolver.js';

const NEVER = new AbortController().signal;

function failing(code: string): Lookup {
  return (_host, _options, done) => done(Object.assign(new Error(code), { code }), []);
}

describe('resolver', () => {
  it('finds names of /etc/hosts through the system', async () => {
    const addresses = await systemResolver('localhost', 0, NEVER);
    expect(addresses.map(({ host }) => host)).to.satisfy(
      (hosts: string[]) => hosts.includes('127.0.0.1') || hosts.includes('::1'),
    );
  });

  it('tells of names that do not exist', async () => {
    const error = await failure(systemResolver('no..such', 0, NEVER)); // an empty label never leaves this machine
    expect(error.code).to.equal('unknown-host');
  });

  it('asks for localhost without a family, so that no name server is asked for one that /etc/hosts lacks', async () => {
    const asked: [host: string, family: number][] = [];
    const resolve = createResolver(
      sparingLocalhost((host, { family }, done) => {
        asked.push([host, family]);
        done(null, [{ address: '127.0.0.1', family: 4 }]);
      }),
    );
    const found = [{ family: 4, host: '127.0.0.1' }];
    expect(await resolve('localhost', 4, NEVER)).to.deep.equal(found);
    expect(isNoAddress(await failure(resolve('localhost', 6, NEVER)))).to.equal(true);
    expect(await resolve('host.example', 6, NEVER)).to.deep.equal(found);
    expect(asked).to.deep.equal([
      ['localhost', 0],
      ['localhost', 0],
      ['host.example', 6],
    ]);
  });

  it('asks for all addresses in the system order, and drops those that come twice', async () => {
    let asked: unknown;
    const resolve = createResolver((host, options, done) => {
      asked = [host, options];
      done(
        null,
        ['192.0.2.2', '192.0.2.1', '192.0.2.2'].map((address) => ({ address, family: 4 })),
      );
    });
    const addresses = await resolve('host.example', 4, NEVER);
    expect(asked).to.deep.equal(['host.example', { family: 4, all: true, verbatim: true }]);
    expect(addresses).to.deep.equal([
      { family: 4, host: '192.0.2.2' },
      { family: 4, host: '192.0.2.1' },
    ]);
  });

  const failures: readonly (readonly [errno: string, family: 0 | 4 | 6, line: string, noAddress: boolean])[] = [
    ['ENOTFOUND', 0, 'cannot look up host.example: no such host; check the spelling', true],
    ['ENOTFOUND', 6, 'cannot look up host.example: no IPv6 address; check the spelling', true],
    ['EAI_ADDRFAMILY', 4, 'cannot look up host.example: no IPv4 address; check the spelling', true],
    [
      'EAI_AGAIN',
      0,
      'cannot look up host.example: temporary failure in name resolution; check that the name server is reachable',
      false,
    ],
    [
      'EAI_FAIL',
      0,
      'cannot look up host.example: the resolver failed (EAI_FAIL); check the name servers of this machine',
      false,
    ],
  ];
  for (const [errno, family, line, noAddress] of failures) {
    it(`puts ${errno} for family ${family} in words`, async () => {
      const error = await failure(createResolver(failing(errno))('host.example', family, NEVER));
      expect([formatError(error), error.code, isNoAddress(error)]).to.deep.equal([line, 'unknown-host', noAddress]);
    });
  }

  it('takes an empty answer for none, and a lack of descriptors for what it is', async () => {
    const empty = await failure(createResolver((_host, _options, done) => done(null, []))('host.example', 0, NEVER));
    expect([empty.code, isNoAddress(empty)]).to.deep.equal(['unknown-host', true]);
    expect((await failure(createResolver(failing('EMFILE'))('host.example', 0, NEVER))).code).to.equal('internal');
  });

  it("takes what a program's function throws for its answer, and lets go of its signal", async () => {
    const { signal } = new AbortController();
    const resolve = createResolver(() => {
      throw Object.assign(new Error('queryA ENOTFOUND'), { code: 'ENOTFOUND' });
    });
    expect(formatError(await failure(resolve('host.example', 0, signal)))).to.match(
      /^cannot look up host.example: no such/,
    );
    expect(getEventListeners(signal, 'abort')).to.deep.equal([]);
    const broken = createResolver(null as never);
    expect((await failure(broken('host.example', 0, signal))).code).to.equal('internal');
    expect(getEventListeners(signal, 'abort')).to.deep.equal([]);
  });

  it('ends at once when aborted, with the reason, and ignores the late answer', async () => {
    const controller = new AbortController();
    let answer: () => void = () => {};
    const resolve = createResolver((_host, _options, done) => {
      answer = () => done(null, [{ address: '192.0.2.1', family: 4 }]);
    });
    const looking = resolve('host.example', 4, controller.signal).catch((error: unknown) => error);
    const reason = new Error('enough');
    controller.abort(reason);
    expect(await looking).to.equal(reason);
    answer();
  });

  it('asks nothing when aborted before, and lets go of its signal when done', async () => {
    const asked: string[] = [];
    const resolve = createResolver((host, _options, done) => {
      asked.push(host);
      done(null, [{ address: '192.0.2.1', family: 4 }]);
    });
    const reason = new Error('enough');
    expect(await resolve('a.example', 4, AbortSignal.abort(reason)).catch((error: unknown) => error)).to.equal(reason);
    const { signal } = new AbortController();
    await resolve('b.example', 4, signal);
    expect([asked, getEventListeners(signal, 'abort')]).to.deep.equal([['b.example'], []]);
  });
});
