// Checks whether the packages can be published, by their tarballs: publint reads the manifests, and attw asks TypeScript how
// each entry point resolves. Both run in this process, since starting either takes longer than its work. No network.
import { readFileSync } from 'node:fs';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { problemKindInfo } from '@arethetypeswrong/core/problems';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { packAll } from './pack.mjs';

/** Our packages are ES modules, so these are ignored, as in attw's profile "esm-only". require() works since Node 20.19. */
const IGNORED = new Set(['node10', 'node16-cjs']);

/** publint accepts `#!/usr/bin/env` only, which would look for `sh` in PATH, where a stranger's folder can be. */
const ACCEPTED = 'BIN_FILE_NOT_EXECUTABLE';

/** The problems of a tarball, in words. */
async function problemsIn(tarball) {
  const data = readFileSync(tarball);
  return [...(await fromPublint(data)), ...(await fromAttw(data))];
}

async function fromPublint(data) {
  const { messages, pkg } = await publint({
    pack: { tarball: data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength) },
    strict: true,
  });
  const problems = messages.filter(({ code }) => code !== ACCEPTED);
  return problems.map((message) => `publint: ${formatMessage(message, pkg, { color: false })}`);
}

async function fromAttw(data) {
  const contents = createPackageFromTarballData(data);
  const { types, problems = [] } = await checkPackage(contents);
  const isLibrary = JSON.parse(contents.readFile(`${rootOf(contents)}/package.json`)).exports['.'] !== undefined;
  if (types === false) return isLibrary ? ['attw: the package has no types'] : [];
  return problems
    .filter(({ resolutionKind }) => !IGNORED.has(resolutionKind))
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
