import { type LabOptions, requireLab, runInLab, skip } from '@fdpass/test-lab';
import { expect } from 'chai';
import { detectPlatform } from '../sys/platform.js';

/** An IPv6 and an IPv4 address of each name. */
const HOSTS: Readonly<Record<string, readonly [ipv6: string, ipv4: string]>> = {
  'both.example': ['2001:db8:1::1', '198.51.100.1'],
  'no-route-6.example': ['2001:db8:2::1', '198.51.100.1'],
  'no-route-4.example': ['2001:db8:1::1', '203.0.113.1'],
  'no-route.example': ['2001:db8:2::1', '203.0.113.1'],
  'loopback.example': ['::1', '127.0.0.1'],
  'loopback-6.example': ['::1', '198.51.100.1'],
  'loopback-4.example': ['2001:db8:1::1', '127.0.0.1'],
  'private.example': ['2001:db8:1::1', '10.0.0.1'],
  'unique-local.example': ['fd00:1::1', '198.51.100.1'],
  'site-local.example': ['fec0:1::1', '198.51.100.1'],
  '6to4.example': ['2002:c633:6401::1', '198.51.100.1'],
  'teredo.example': ['2001:0:1::1', '198.51.100.1'],
  'autoconfigured-4.example': ['2001:db8:1::1', '169.254.7.7'],
  'autoconfigured-4-no-route-6.example': ['2001:db8:2::1', '169.254.7.7'],
};

const ROUTES = ['2001:db8:1::/48', '198.51.100.0/24', '10.0.0.0/8', '169.254.0.0/16'];
const ODD_ROUTES = ['fd00:1::/32', 'fec0:1::/32', '2002::/16', '2001:0::/32'];

const LABS: Readonly<Record<string, LabOptions>> = {
  'a usual network': { blackholes: ROUTES },
  'no routes': {},
  'routes to unusual addresses': { blackholes: [...ROUTES, ...ODD_ROUTES] },
  'unusual addresses of our own': {
    blackholes: [...ROUTES, ...ODD_ROUTES],
    addresses: ['fd00:1::f', 'fec0:1::f', '2002:c633:6401::f', '2001:0:1::f', '169.254.1.1'],
  },
  'IPv4 preferred in gai.conf': { blackholes: ROUTES, addressPolicy: 'precedence ::ffff:0:0/96  100\n' },
  'prefixes preferred': {
    blackholes: [...ROUTES, ...ODD_ROUTES],
    addressPolicy: `
# precedence ::/0 7
precedence ::ffff:0:0/96 39
precedence 2001:db8:1::/48 90#ours
	precedence  ::ffff:198.51.100.0/120 80  more`,
  },
  'labels and scopes of our own': {
    blackholes: [...ROUTES, ...ODD_ROUTES],
    addressPolicy: `
label ::ffff:0:0/96 9
label 2001:db8:1::/48 9
label fd00::/8 1
scopev4 198.51.100.0/24 5
scopev4 ::ffff:10.0.0.0/104 5`,
  },
  'a gai.conf that is mostly wrong': {
    blackholes: [...ROUTES, ...ODD_ROUTES],
    addressPolicy: `
precedence ::ffff:0:0/96 100
precedence ::ffff:198.51.100.0/120 x
precedence ::1
precedence 10.0.0.0/8 1
precedence 2001:db8::/129 1000
precedence 2001:db8::/x 1000
precedence ::/-1 1000
precedence 2001:db8:: 1000
nonsense ::/0 1
precedence`,
  },
};

const SCRIPT = `
import { lookup } from 'node:dns/promises';
const { compareAddresses } = await import(process.argv[1]);
const sorted = {};
for (const [name, [ipv6, ipv4]] of Object.entries(JSON.parse(process.argv[2]))) {
  const [{ address: byLibc }] = await lookup(name, { all: true, verbatim: true });
  const pair = [{ family: 6, host: ipv6 }, { family: 4, host: ipv4 }];
  const [{ host: byUs }] = pair.sort(compareAddresses);
  sorted[name] = [byLibc, byUs];
}
console.log(JSON.stringify(sorted));`;

describe('which of two addresses goes first', () => {
  for (const [what, lab] of Object.entries(LABS)) {
    it(`is what getaddrinfo says, with ${what}`, async function () {
      requireLab(this);
      if (detectPlatform().name !== 'linux-glibc') skip(this, 'only glibc has a gai.conf');
      const words = [
        '--input-type=module',
        '-e',
        SCRIPT,
        new URL('preference.js', import.meta.url).href,
        JSON.stringify(HOSTS),
      ];
      const { stdout, stderr } = await runInLab({ ...lab, hosts: HOSTS }, [process.execPath, ...words]);
      expect(stderr).to.equal('');
      const sorted = Object.entries(JSON.parse(stdout) as Record<string, [string, string]>);
      const byUs = sorted.map(([name, [, us]]) => [name, us]);
      expect(Object.fromEntries(byUs)).to.deep.equal(Object.fromEntries(sorted.map(([name, [libc]]) => [name, libc])));
    });
  }
});
