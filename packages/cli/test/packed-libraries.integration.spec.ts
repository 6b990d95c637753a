import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startScriptedServer } from '@fdpass/testkit';
import { expect } from 'chai';
import { useInstalled } from './installed.spec.helper.js';
import { type Manifest, publishedPackages, runInstalled } from './packed.spec.helper.js';

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
    const empty = expected.filter((line) => !/ \w+/.test(line));
    expect(empty).to.deep.equal(['fdpass/register \n']); // it is imported for what it does
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
});

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
