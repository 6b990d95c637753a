// Unpacks Debian's kernels for the virtual machine of the tests, as root on Debian; nothing is installed. Without arguments this
// system's own (`default`), else the current ones of suites: node scripts/install-kernel.mjs bullseye forky
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The tests look here too: packages/test-lab/src/machine/kernel.ts */
const KERNELS = '/var/lib/fdpass-tests/kernels';
/** Is there when this system's own kernel has been unpacked. */
export const KERNEL = join(KERNELS, 'default', 'release');
const META_PACKAGE = 'linux-image-amd64';
const MIRROR = 'http://deb.debian.org/debian';
/** What no test needs is most of it. */
const LEFT_OUT = ['*/kernel/drivers/[!nv]*', '*/kernel/drivers/net/[!dtv]*', '*/kernel/sound/*', '*/System.map*'];

/** Unpacks a kernel if it is not there yet. Returns whether it is there now; if not, stdout has the reason. */
export function installKernel(suite = 'default') {
  const folder = join(KERNELS, suite);
  if (existsSync(join(folder, 'release'))) return true;
  const work = mkdtempSync(join(tmpdir(), 'fdpass-kernel-'));
  try {
    console.log(`peers: unpacking the kernel of Debian ${suite}`);
    unpack(download(suite, work), work, folder);
    return true;
  } catch (error) {
    console.log(`peers: ${error.message}`);
    return false;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The packages that have the kernel and its modules: one, or since Debian 14 one of each. */
function download(suite, work) {
  const sources = suite === 'default' ? [] : otherSources(suite, work);
  const options = ['-q', '-o', 'APT::Sandbox::User=root', '-o', 'DPkg::Lock::Timeout=300', ...sources];
  run('apt-get', [...options, 'update'], work);
  const dependencies = (name) =>
    [
      ...run('apt-cache', [...options, 'depends', name], work).matchAll(
        / Depends: (linux-(?:image|binary|modules)-\S+)/g,
      ),
    ].map(([, dependency]) => dependency);
  const [image] = dependencies(META_PACKAGE);
  if (image === undefined) throw new Error(`there is no ${META_PACKAGE} in Debian ${suite}`);
  run('apt-get', [...options, 'download', image, ...dependencies(image)], work);
  return readdirSync(work).filter((file) => file.endsWith('.deb'));
}

/** Options that let apt see that suite alone, and leave its own lists as they are. */
function otherSources(suite, work) {
  const sources = join(work, 'sources.list');
  const lists = join(work, 'lists');
  mkdirSync(join(lists, 'partial'), { recursive: true });
  writeFileSync(sources, `deb ${MIRROR} ${suite} main\n`);
  const settings = {
    'Dir::Etc::SourceList': sources,
    'Dir::Etc::SourceParts': '/dev/null',
    'Dir::State::Lists': lists,
  };
  const caches = { 'Dir::Cache::pkgcache': '', 'Dir::Cache::srcpkgcache': '' };
  return Object.entries({ ...settings, ...caches }).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
}

/** As /boot and /lib/modules would have them. The name of the release is written last. */
function unpack(packages, work, folder) {
  const tree = join(work, 'tree');
  mkdirSync(tree);
  const left = LEFT_OUT.map((pattern) => `'--exclude=${pattern}'`).join(' ');
  for (const name of packages)
    run('sh', ['-c', `dpkg-deb --fsys-tarfile "${name}" | tar -x -C "${tree}" --wildcards ${left}`], work);
  const find = (...names) => names.map((name) => join(tree, name)).find((path) => existsSync(path));
  const modules = find('lib/modules', 'usr/lib/modules');
  const [release] = readdirSync(modules);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, 'lib'), { recursive: true });
  run('cp', ['-a', modules, join(folder, 'lib/modules')], work);
  run(
    'cp',
    ['-a', find(`boot/vmlinuz-${release}`, `usr/lib/modules/${release}/vmlinuz`), join(folder, 'vmlinuz')],
    work,
  );
  run('depmod', ['-b', folder, release], work);
  writeFileSync(join(folder, 'release.new'), `${release}\n`);
  renameSync(join(folder, 'release.new'), join(folder, 'release'));
}

function run(command, args, cwd) {
  const options = { cwd, encoding: 'utf8', timeout: 10 * 60_000, maxBuffer: 64 * 1024 * 1024 };
  const { status, stdout, stderr, error } = spawnSync(command, args, options);
  if (status === 0) return stdout;
  throw new Error(`${command} ${args.join(' ')} ended with ${status}: ${error?.message ?? stderr.slice(-1000)}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const suites = process.argv.slice(2);
  const results = (suites.length === 0 ? ['default'] : suites).map((suite) => installKernel(suite));
  process.exit(results.every(Boolean) ? 0 : 1);
}
