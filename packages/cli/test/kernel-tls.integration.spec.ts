import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import {
  alternativeNames,
  expectNoDescriptorLeft,
  makeCertificate,
  openDescriptors,
  requirePeers,
  startTlsProxyServer,
  type TlsProxyServer,
  temporaryFolder,
  useSshd,
} from '@fdpass/test-lab';
import { expect } from 'chai';
import { carriers, carriersAndSocketsCommand, SSH_ALONE, SSH_AND_RELAY } from './carriers.spec.helper.js';
import { proxyCommand } from './commands.spec.helper.js';

/** The calls of setsockopt(2) by which the kernel is given TLS, and what each can fail with. */
const STEPS = [
  ['attach TLS', constants.errno.ENOENT],
  ['take the keys to send with', constants.errno.ENOENT],
  ['take the keys to receive with', constants.errno.EINVAL],
] as const;

/**
 * A preload for Node in which the kernel offers TLS, takes all that comes before one of these calls, and fails at that. The real
 * one sees none of them. It notes those that were made.
 */
const FAILING_KERNEL = `
const fs = require('node:fs');
const failing = Number(process.env.FDPASS_TEST_FAIL);
const { readFileSync } = fs;
fs.readFileSync = (file, ...words) =>
  file === '/proc/sys/net/ipv4/tcp_available_ulp' ? 'tls\\n' : readFileSync(file, ...words);
require('node:module').syncBuiltinESMExports();

const stepOf = (level, name) => (level === 6 && name === 31 ? 0 : level === 282 ? name : undefined);
const { dlopen } = process;
process.dlopen = (loading, ...words) => {
  dlopen.call(process, loading, ...words);
  const native = loading.exports;
  if (typeof native.errno !== 'function') return;
  let failed;
  const load = (...names) => {
    const library = native.load(...names);
    return {
      func(prototype) {
        const call = library.func(prototype);
        if (!prototype.includes(' setsockopt(')) return call;
        return (fd, level, name, ...rest) => {
          const step = stepOf(level, name);
          if (step === undefined) return call(fd, level, name, ...rest);
          fs.appendFileSync(process.env.FDPASS_TEST_STEPS, String(step));
          if (step < failing) return 0;
          failed = Number(process.env.FDPASS_TEST_ERRNO);
          return -1;
        };
      },
    };
  };
  const errno = () => {
    const value = failed ?? native.errno();
    failed = undefined;
    return value;
  };
  loading.exports = Object.create(native, { load: { value: load }, errno: { value: errno } });
};
`;

/** What a real kernel does is in kernel-tls.machine.spec.ts. */
describe('TLS by a kernel that fails to', () => {
  const { sshd, env } = useSshd();
  const folder = temporaryFolder();
  const file = (name: string): string => join(folder.path, name);
  const data = randomBytes(300_000);
  let proxy: TlsProxyServer;

  before(async function () {
    if (process.platform !== 'linux') return this.skip();
    requirePeers(this, 'openssl');
    makeCertificate(folder.path, 'proxy', alternativeNames('IP:127.0.0.1'));
    writeFileSync(file('fail.cjs'), FAILING_KERNEL);
    const settings = { folder: folder.path, cert: file('proxy.pem'), key: file('proxy.key') };
    proxy = await startTlsProxyServer(this, 'stunnel and tinyproxy', settings);
  });
  after(async () => {
    await proxy?.close();
    folder.remove();
  });

  /**
   * A session that sends `data` there and back. Returns the programs that carry it, with how many sockets each has; not for ssh,
   * which closes its stdin as soon as it has read it.
   */
  async function session(tls: object, more: NodeJS.ProcessEnv = {}): Promise<readonly string[]> {
    const opened = openDescriptors();
    const use = { strategy: 'http-connect', url: proxy.url, tls: { ca: file('proxy.pem'), ...tls } };
    writeFileSync(file('config.json'), JSON.stringify({ rules: [{ use }] }), { mode: 0o600 });
    const { status, stdout, stderr } = await sshd().ssh(
      `(${carriersAndSocketsCommand(env)}) >&2; cat`,
      { ProxyCommand: proxyCommand('--config', file('config.json')), ProxyUseFdpass: 'yes' },
      { host: '127.0.0.1', env: { ...env, ...more }, input: data },
    );
    expect(status, stderr).to.equal(0);
    expect(Buffer.from(stdout, 'latin1').equals(data)).to.equal(true);
    await expectNoDescriptorLeft(opened);
    const isSsh = (line: string): boolean => SSH_ALONE.some((path) => line.startsWith(`${path} `));
    return stderr
      .trim()
      .split('\n')
      .map((line) => (isSsh(line) ? line.replace(/ \d+$/, '') : line))
      .sort();
  }

  for (const [count, [step, errno]] of STEPS.entries()) {
    it(`${step} has a relay process that carries the session, with nothing left open`, async function () {
      if (process.getuid?.() !== 0) return this.skip(); // it looks into its own processes
      const byRelay = await session({});
      expect(carriers(byRelay.map((line) => line.split(' ')[0]).join('\n'))).to.deep.equal(SSH_AND_RELAY);
      rmSync(file('steps'), { force: true });
      const carried = await session(
        { kernel: true },
        {
          NODE_OPTIONS: `--require=${file('fail.cjs')}`,
          FDPASS_TEST_FAIL: String(count),
          FDPASS_TEST_ERRNO: String(errno),
          FDPASS_TEST_STEPS: file('steps'),
        },
      );
      expect(carried).to.deep.equal(byRelay);
      expect(readFileSync(file('steps'), 'utf8')).to.equal([0, 1, 2].slice(0, count + 1).join(''));
    }).timeout(60_000);
  }
});
