import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { useInstalled } from './installed.spec.helper.js';
import { publishedPackages, ROOT, runInstalled } from './packed.spec.helper.js';

/** It takes seconds; this is for a machine that has much else to do. */
const COMPILER_TIMEOUT_MS = 90_000;

/** The libraries' declarations, in a project that has nothing of the workspace. */
describe('the types of the installed libraries', () => {
  const installed = useInstalled();
  let names: readonly string[];
  before(async () => {
    names = [...(await publishedPackages()).values()].map(({ name }) => name);
  });

  for (const moduleResolution of ['nodenext', 'bundler'])
    it(`hold with moduleResolution ${moduleResolution}, libraries' declarations checked too`, async () => {
      const folder = join(installed(), 'project', `types-${moduleResolution}`);
      mkdirSync(folder);
      writeFileSync(join(folder, 'consumer.ts'), consumerOf(names));
      const module = moduleResolution === 'nodenext' ? 'nodenext' : 'esnext';
      const options = { module, moduleResolution, target: 'es2022', strict: true, noEmit: true };
      const compilerOptions = { ...options, types: ['node', 'mocha'], skipLibCheck: false };
      writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['consumer.ts'] }));
      const answer = await runInstalled(installed(), ['node', TYPESCRIPT, '-p', folder], {
        timeoutMs: COMPILER_TIMEOUT_MS,
      });
      expect([answer.status, answer.stdout]).to.deep.equal([0, '']);
    }).timeout(COMPILER_TIMEOUT_MS * 1.1);
});

const TYPESCRIPT = join(ROOT, 'node_modules/typescript/bin/tsc');

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
