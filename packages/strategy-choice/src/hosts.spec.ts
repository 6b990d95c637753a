import { expect } from 'chai';
import { FakeRoutes, optionsOf, TARGET, type World } from './fake-routes.spec.js';
import { hosts } from './hosts.js';

const NAMES = ['nas.lan', 'nas.example.org', '192.0.2.5'];

function fakeHosts(world: World): FakeRoutes {
  return new FakeRoutes(world, (use, { host }) => (use === 'forward' ? host : `${use} ${host}`));
}

describe('hosts', () => {
  it('tries each name through the hops before it, in order', async () => {
    const fake = fakeHosts({
      'nas.lan': [5, 'unknown-host'],
      'nas.example.org': [7, 'unreachable'],
      '192.0.2.5': [1, 'ok'],
    });
    const dial = fake.start(hosts, { hosts: NAMES });
    await fake.clock.runAll();
    expect(fake.log).to.deep.equal(['0 start nas.lan', '5 start nas.example.org', '12 start 192.0.2.5']);
    expect(fake.nameOf(dial.connection)).to.equal('192.0.2.5');
    expect(fake.targets[0]).to.deep.equal({ ...TARGET, host: 'nas.lan' });
    fake.expectClean(dial.connection);
  });

  it('limits each name, changes the port and takes a route of its own', async () => {
    const fake = fakeHosts({ 'vpn nas.lan': 'silent', 'vpn nas.example.org': [1, 'ok'] });
    const dial = fake.start(hosts, { hosts: NAMES, port: 2222, use: 'vpn', timeout: '3s' });
    await fake.clock.runAll();
    expect(fake.log).to.deep.equal(['0 start vpn nas.lan', '3000 abort vpn nas.lan', '3000 start vpn nas.example.org']);
    expect(fake.targets[1]?.port).to.equal(2222);
    fake.expectClean(dial.connection);
  });

  it('says why no name answered', async () => {
    const fake = fakeHosts({
      'nas.lan': [0, 'unknown-host'],
      'nas.example.org': [0, 'unknown-host'],
      '192.0.2.5': [0, 'timeout'],
    });
    const dial = fake.start(hosts, { hosts: NAMES });
    await fake.clock.runAll();
    expect(dial.failure.code).to.equal('timeout');
    expect(dial.failure.message).to.equal('none of 3 hosts answers');
    expect(dial.failure.attempts.map(({ address }) => address)).to.deep.equal(NAMES);
    fake.expectClean();
  });

  it('can be aborted', async () => {
    const fake = fakeHosts({});
    const dial = fake.start(hosts, { hosts: NAMES });
    const reason = new Error('enough');
    fake.controller.abort(reason);
    await fake.clock.advance(0);
    expect(dial.error).to.equal(reason);
    fake.expectClean();
  });

  it('takes names as users write them', () => {
    expect(optionsOf(hosts, { hosts: ['NAS.lan.', '[2001:DB8::1]'] })).to.deep.equal({
      hosts: ['nas.lan.', '2001:db8::1'],
    });
  });

  it('needs a relay if its route does', async () => {
    const fake = fakeHosts({});
    const traits = async (use?: string): Promise<unknown> => {
      const dialer = await hosts.create({ hosts: NAMES, use }, fake.host);
      return [dialer.needsRelay?.(TARGET), dialer.tls?.(TARGET)];
    };
    expect(await traits()).to.deep.equal([false, undefined]);
    expect(await traits('tls')).to.deep.equal([true, { by: 'process' }]);
  });

  const WRONG: readonly (readonly [options: unknown, message: RegExp])[] = [
    [{}, /Expected "hosts"/],
    [{ hosts: ['a'], routes: ['b'] }, /received "routes"/],
    [{ hosts: [] }, /at least one host/],
    [{ hosts: 'a' }, /a list of host names/],
    [{ hosts: [7] }, /a host name or an address/],
    [{ hosts: ['-oProxyCommand=x'] }, /begins with a dash/],
    [{ hosts: ['a b'] }, /space or a control character/],
    [{ hosts: ['a:22'] }, /neither a name nor an address/],
    [{ hosts: ['a'], port: 0 }, /port from 1 to 65535/],
    [{ hosts: ['a'], port: '22' }, /port from 1 to 65535/],
  ];
  for (const [options, message] of WRONG) {
    it(`refuses ${JSON.stringify(options)}`, () => void expect(() => optionsOf(hosts, options)).to.throw(message));
  }
});
