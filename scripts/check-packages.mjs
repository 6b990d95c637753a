// Whether the packages are fit to publish, by their tarballs: publint reads the manifests, attw asks TypeScript how each
// way in resolves. Both in this one process, since starting either takes longer than its work does. No network.
import { readFileSync } from 'node:fs';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { problemKindInfo } from '@arethetypeswrong/core/problems';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { packAll } from './pack.mjs';

/** Our packages are ES modules: attw's profile "esm-only" leaves these out, too. require() has them since Node 20.19. */
const LEFT_OUT = new Set(['node10', 'node16-cjs']);

/** What is wrong with a tarball, in words; nothing if it is fit. */
async function problemsIn(tarball) {
  const data = readFileSync(tarball);
  return [...(await fromPublint(data)), ...(await fromAttw(data))];
}

async function fromPublint(data) {
  const { messages, pkg } = await publint({
    pack: { tarball: data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength) },
    strict: true,
  });
  return messages.map((message) => `publint: ${formatMessage(message, pkg, { color: false })}`);
}

async function fromAttw(data) {
  const contents = createPackageFromTarballData(data);
  const { types, problems = [] } = await checkPackage(contents);
  const isLibrary = JSON.parse(contents.readFile(`${rootOf(contents)}/package.json`)).exports['.'] !== undefined;
  if (types === false) return isLibrary ? ['attw: it has no types'] : [];
  return problems
    .filter(({ resolutionKind }) => !LEFT_OUT.has(resolutionKind))
    .map(({ kind, entrypoint, resolutionKind }) =>
      ['attw:', problemKindInfo[kind].title, entrypoint, resolutionKind].filter(Boolean).join(' '),
    );
}

function rootOf({ packageName }) {
  return `/node_modules/${packageName}`;
}

let failed = false;
for (const [name, tarball] of await packAll()) {
  for (const problem of await problemsIn(tarball)) {
    failed = true;
    console.log(`${name}: ${problem}`);
  }
}
process.exit(failed ? 1 : 0);
