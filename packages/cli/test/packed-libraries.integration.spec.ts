import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startScriptedServer } from '@fdpass/testkit';
import { expect } from 'chai';
import { useInstalled } from './installed.spec.helper.js';
import { type Manifest, publishedPackages, ROOT, runInstalled } from './packed.spec.helper.js';

/** The libraries as npm installs them from their tarballs, in a project that knows nothing of the workspace. */
describe('the libraries, installed from their packages', () => {
  const installed = useInstalled();
  let libraries: readonly (readonly [folder: string, manifest: Manifest])[];
  before(async () => {
    libraries = [...(await publishedPackages())];
  });

  it('export what the workspace exports, without a warning, and come without compiling anything', async () => {
    const here = new Map(libraries.flatMap(([folder, manifest]) => waysInto(folder, manifest)));
    const names = [...here.keys()];
    const script = `for (const name of ${JSON.stringify(names)})
      console.log(name, Object.keys(await import(name)).sort().join())`;
    const answer = await runInstalled(installed(), ['node', '--input-type=module', '-e', script]);
    const expected = await Promise.all([...here].map(async ([name, file]) => `${name} ${await exportsOf(file)}\n`));
    expect(answer).to.deep.include({ status: 0, stdout: expected.join(''), stderr: '' });
    expect(names).to.have.length.above(10);
    for (const line of expected) expect(line).to.match(/ \w+/);
  });

  it('dial inside a program that embeds them, koffi included', async () => {
    const server = await startScriptedServer((line) => line.send('hello\n'));
    try {
      writeFileSync(join(installed(), 'project/embed.mjs'), EMBED);
      const answer = await runInstalled(installed(), ['node', 'embed.mjs', String(server.port)]);

      expect(answer).to.deep.include({ status: 0, stdout: 'inet hello\n', stderr: '' });
    } finally {
      await server.close();
    }
  });

  for (const moduleResolution of ['nodenext', 'bundler'])
    it(`have types that hold with moduleResolution ${moduleResolution}, libraries' declarations checked too`, async () => {
      const folder = join(installed(), 'project', `types-${moduleResolution}`);
      mkdirSync(folder);
      writeFileSync(join(folder, 'consumer.ts'), consumerOf(libraries.map(([, { name }]) => name)));
      const module = moduleResolution === 'nodenext' ? 'nodenext' : 'esnext';
      const options = { module, moduleResolution, target: 'es2022', strict: true, noEmit: true };
      const compilerOptions = { ...options, types: ['node', 'mocha'], skipLibCheck: false };
      writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['consumer.ts'] }));
      const answer = await runInstalled(installed(), ['node', TYPESCRIPT, '-p', folder]);
      expect([answer.status, answer.stdout]).to.deep.equal([0, '']);
    });
});

const TYPESCRIPT = join(ROOT, 'node_modules/typescript/bin/tsc');

/** Dials, asks the kernel through koffi what the connection is, and reads from it. */
const EMBED = `
import { once } from 'node:events';
import { makeTarget } from '@fdpass/core';
import { loadFramework } from '@fdpass/core/host';
import { describeFd, loadSys } from '@fdpass/core/sockets';
import { direct } from '@fdpass/strategy-direct';
const { router } = await loadFramework({ strategies: [direct], defaultStrategy: direct.name, config: false });
const target = makeTarget({ host: '127.0.0.1', port: Number(process.argv[2]) });
const connection = await router.dial(await router.route(target));
const { family } = describeFd(connection.descriptor, loadSys());
const [text] = await once(connection.toStream().setEncoding('utf8').resume(), 'data');
process.stdout.write(family + ' ' + text);
process.exit();
`;

/** A program that uses a value of each library, and an error that the types have to find. */
function consumerOf(names: readonly string[]): string {
  const imports = names.map((name, index) => `import * as library${index} from '${name}';`);
  return `${imports.join('\n')}
import type { Strategy } from '@fdpass/core';
import { direct } from '@fdpass/strategy-direct';
export const strategy: Strategy = direct;
// @ts-expect-error a name is text: were the types not found, everything would be allowed
export const wrong: Strategy = { ...direct, name: 1 };
export default [${names.map((_, index) => `library${index}`).join(', ')}];
`;
}

/** What each way into a package is called, and the file behind it in the workspace. */
function waysInto(folder: string, { name, exports }: Manifest): [name: string, file: string][] {
  return Object.entries(exports).flatMap(([way, to]) =>
    typeof to === 'string' ? [] : [[`${name}${way.slice(1)}`, join(folder, to.default)]],
  );
}

async function exportsOf(file: string): Promise<string> {
  return Object.keys((await import(file)) as object)
    .sort()
    .join();
}
