import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { formatError } from '@fdpass/core';
import { requirePeers, run } from '@fdpass/test-lab';
import { expect } from 'chai';
import { builtinFramework } from '../dist/command-framework.js';
import { blocksOf, type DocBlock, docPages, docText, placeOf } from './doc-blocks.spec.helper.js';
import { commandsIn, objection } from './doc-commands.spec.helper.js';
import { compile, type DocWorkspace, makeWorkspace, PROGRAMS, runExample } from './doc-programs.spec.helper.js';
import { type DocServers, startDocServers } from './doc-servers.spec.helper.js';

const CONFIGS = ['yaml', 'json'];
const COMMANDS = ['sh', 'console', 'sshconfig'];
/** What is looked at by people only. */
const IGNORED = ['mermaid', 'text', 'python'];

/** Files that configurations in the docs name and that no block shows. */
const FIXTURES: Readonly<Record<string, string>> = { 'team.yaml': 'rules: []\n' };

const pages = docPages().map((page) => ({ page, text: docText(page), blocks: blocksOf(page) }));
const blocks = pages.flatMap((page) => page.blocks);

function those(languages: readonly string[]): DocBlock[] {
  return blocks.filter(({ language }) => languages.includes(language));
}

describe('examples in the docs', () => {
  let workspace: DocWorkspace;

  before(() => {
    workspace = makeWorkspace();
  });
  after(() => workspace.remove());

  it('are all in a language that is tested or on the list of those that are not', () => {
    const known = [...PROGRAMS, ...CONFIGS, ...COMMANDS, ...IGNORED];
    const strange = blocks.filter(({ language }) => !known.includes(language));
    expect(strange.map((block) => `${placeOf(block)}: ${block.language}`)).to.deep.equal([]);
  });

  describe('that are programs', () => {
    let complaints: Map<string, string>;
    let servers: DocServers;

    before(async () => {
      servers = await startDocServers();
      complaints = await compile(workspace, those(PROGRAMS));
    });
    after(() => servers.close());

    for (const block of those(PROGRAMS)) {
      it(`${placeOf(block)} compiles${block.noRun === undefined ? ' and runs' : ` (not run: ${block.noRun})`}`, async () => {
        expect(complaints.get(placeOf(block)) ?? '').to.equal('');
        if (block.noRun !== undefined) return;
        const { status, signal, stdout, stderr } = await runExample(workspace, block, servers.ports);
        expect(status, `${placeOf(block)}: ${signal}\n${stdout}${stderr}`).to.equal(0);
      });
    }
  });

  describe('that are configurations', () => {
    for (const block of those(CONFIGS).filter(({ noRun }) => noRun === undefined)) {
      it(`${placeOf(block)} has nothing that "fdpass check" finds`, async () => {
        const file = writeConfig(join(workspace.path, `config-${blocks.indexOf(block)}`), block);
        const { router } = await builtinFramework({ file });
        expect((await router.check()).map((error) => `${placeOf(block)}: ${formatError(error)}`)).to.deep.equal([]);
      });
    }
  });

  describe('that are command lines', () => {
    for (const { page, text, blocks: own } of pages) {
      it(`${page} shows no option that does not exist`, () => {
        const wrong = commandsIn(page, text, own).map(({ words, line }) => [`${page}:${line}`, objection(words)]);
        expect(wrong.filter(([, what]) => what !== undefined)).to.deep.equal([]);
      });
    }

    it('are found at all', () => {
      const all = pages.flatMap(({ page, text, blocks: own }) => commandsIn(page, text, own));
      expect(all.length).to.be.greaterThan(20);
    });
  });

  describe('that are ssh_config', () => {
    before(function () {
      requirePeers(this, 'ssh');
    });

    for (const block of those(['sshconfig'])) {
      it(`${placeOf(block)} is understood by ssh`, async () => {
        const file = join(workspace.path, `ssh_config-${blocks.indexOf(block)}`);
        writeFileSync(file, block.code);
        const { status, stderr } = await run('ssh', ['-G', '-T', '-F', file, 'host.example']);
        expect(`${status} ${stderr}`, placeOf(block)).to.equal('0 ');
      });
    }
  });
});

/** A block as a configuration, among the files that it may name: those the page shows and the fixtures. */
function writeConfig(folder: string, block: DocBlock): string {
  const shown = blocks.filter(({ page, file }) => page === block.page && file !== undefined);
  const files = {
    ...FIXTURES,
    ...Object.fromEntries(shown.map(({ file, code }): [string, string] => [file ?? '', code])),
  };
  const name = block.file ?? `config.${block.language}`;
  for (const [path, code] of Object.entries({ ...files, [name]: block.code })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), code, { mode: 0o600 });
  }
  return join(folder, name);
}
