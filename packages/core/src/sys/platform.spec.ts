import { expect } from 'chai';
import { isFdpassError } from '../ground/errors.js';
import { detectPlatform } from './platform.js';

/** Runs `action` on a machine that says this of itself. */
function as<T>(machine: Partial<Pick<NodeJS.Process, 'platform' | 'arch'>>, action: () => T): T {
  const real = { platform: process.platform, arch: process.arch };
  const pretend = (values: object): void => {
    for (const [name, value] of Object.entries(values))
      Object.defineProperty(process, name, { value, configurable: true });
  };
  pretend(machine);
  try {
    return action();
  } finally {
    pretend(real);
  }
}

describe('the platform', () => {
  it('is this machine', function () {
    if (process.platform !== 'linux') this.skip();
    const { name, layout } = detectPlatform();
    expect(name).to.be.oneOf(['linux-glibc', 'linux-musl']);
    expect(layout.pointerSize).to.equal(['arm', 'ia32'].includes(process.arch) ? 4 : 8);
  });

  const machines: readonly [platform: NodeJS.Platform, arch: NodeJS.Architecture, name: RegExp, pointerSize: number][] =
    [
      ['linux', 'x64', /^linux-/, 8],
      ['linux', 'arm64', /^linux-/, 8],
      ['linux', 'arm', /^linux-/, 4],
      ['linux', 'ia32', /^linux-/, 4],
      ['android', 'arm64', /^linux-/, 8],
      ['darwin', 'arm64', /^darwin$/, 8],
      ['freebsd', 'x64', /^freebsd$/, 8],
      ['freebsd', 'ia32', /^freebsd$/, 4],
    ];
  for (const [platform, arch, name, pointerSize] of machines) {
    it(`is known: ${platform} on ${arch}`, () => {
      const found = as({ platform, arch }, detectPlatform);
      expect(found.name).to.match(name);
      expect(found.layout.pointerSize).to.equal(pointerSize);
    });
  }

  for (const [platform, arch] of [
    ['win32', 'x64'],
    ['darwin', 'ia32'],
    ['openbsd', 'x64'],
  ] as const) {
    it(`is not known, and says so: ${platform} on ${arch}`, () => {
      expect(() => as({ platform, arch }, detectPlatform))
        .to.throw(`${platform} ${arch}`)
        .that.satisfies(isFdpassError);
    });
  }
});
