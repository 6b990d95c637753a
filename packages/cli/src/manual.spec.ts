import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { requirePeers, run } from '@fdpass/test-lab';
import { expect } from 'chai';
import { formatConfigManPage } from './config-manual.js';
import { formatHelp } from './help.js';
import { formatManPage, formatMarkdown } from './manual.js';
import { describeStatus, EXIT_STATUS, FDPASS_USAGE, FDRECV_USAGE } from './usage.js';

const ROOT = new URL('../../../', import.meta.url);

function read(path: string): string {
  return readFileSync(new URL(path, ROOT), 'utf8');
}

describe('documentation', () => {
  for (const program of [FDPASS_USAGE, FDRECV_USAGE]) {
    it(`of ${program.name} says the same in --help, man/ and docs/ (else: npm run docs)`, () => {
      expect(read(`man/${program.name}.1`)).to.equal(formatManPage(program));
      expect(read(`docs/${program.name}.md`)).to.equal(formatMarkdown(program));
      for (const option of program.options) expect(formatHelp(program)).to.contain(`--${option.name}`);
      for (const each of EXIT_STATUS) expect(formatHelp(program)).to.contain(`${each.status}  ${describeStatus(each)}`);
    });

    it(`of ${program.name} lists every option that a command takes`, () => {
      const names = program.options.map((option) => option.name);
      for (const command of program.commands) expect(names).to.include.members([...command.options]);
    });
  }

  it('of the configuration says what its schemas say (else: npm run docs)', async () => {
    const page = await formatConfigManPage();
    expect(read('man/fdpass-config.5')).to.equal(page);
    for (const name of ['localNetwork', 'bindInterface', '.SS http\\-connect', 'passwordFile'])
      expect(page).to.contain(name);
  });

  it('in man/ has nothing that mandoc complains about', async function () {
    const { mandoc = '' } = requirePeers(this, 'mandoc');
    for (const name of ['fdpass.1', 'fdrecv.1', 'fdpass-config.5']) {
      const { status, stdout, stderr } = await run(mandoc, ['-Tlint', fileURLToPath(new URL(`man/${name}`, ROOT))]);
      expect([status, stdout, stderr]).to.deep.equal([0, '', '']);
    }
  });

  it('has every variable that stands in for an option', () => {
    const told = FDPASS_USAGE.environment.map(([name]) => name);
    for (const { variable } of FDPASS_USAGE.options) if (variable !== undefined) expect(told).to.include(variable);
  });

  it('shows every command in the README', () => {
    const readme = read('README.md');
    for (const { name } of FDPASS_USAGE.commands) expect(readme).to.contain(`fdpass ${name}`.trimEnd());
    expect(readme).to.contain('fdrecv');
  });
});
