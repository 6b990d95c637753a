import { expect } from 'chai';
import { readSshLog } from './ssh-log.js';

/** As OpenSSH 9.2 writes it; lines end as for a terminal. */
const LOG = [
  'OpenSSH_9.2p1 Debian-2, OpenSSL 3.0.19 27 Jan 2026',
  'debug1: Reading configuration data /home/me/.ssh/config',
  'debug1: /home/me/.ssh/config line 1: Applying options for nas',
  'debug3: /home/me/.ssh/config line 2: Including file /home/me/.ssh/a b depth 0',
  'debug1: Reading configuration data /home/me/.ssh/a b',
  "debug2: checking match for 'all' host nas originally nas",
  'debug2: match found',
  'debug3: /home/me/.ssh/config line 4: Including file /home/me/.ssh/c depth 0 (parse only)',
  'debug1: Reading configuration data /home/me/.ssh/c',
  'debug1: Reading configuration data /etc/ssh/ssh_config',
  "debug2: checking match for 'final' host nas originally nas",
  'debug2: match not found',
  'debug1: re-parsing configuration',
  'debug1: Reading configuration data /home/me/.ssh/config',
  'debug1: /home/me/.ssh/config line 9: Applying options for *.example',
  'debug2: match found',
].join('\r\n');

describe('the log of ssh', () => {
  it('tells which blocks apply in each pass over the files', () => {
    const [first, second, ...others] = readSshLog(LOG);
    expect(others).to.deep.equal([]);
    expect(first).to.deep.equal({
      files: ['/home/me/.ssh/config', '/etc/ssh/ssh_config'],
      hosts: new Set(['/home/me/.ssh/config:1']),
      matches: [true, false],
      includes: new Map([
        ['/home/me/.ssh/config:2', [{ file: '/home/me/.ssh/a b', applies: true }]],
        ['/home/me/.ssh/config:4', [{ file: '/home/me/.ssh/c', applies: false }]],
      ]),
    });
    expect(second).to.deep.equal({
      files: ['/home/me/.ssh/config'],
      hosts: new Set(['/home/me/.ssh/config:9']),
      matches: [true],
      includes: new Map(),
    });
  });
});
