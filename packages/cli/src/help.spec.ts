import { expect } from 'chai';
import { parseArguments } from './arguments.js';
import { formatCommandHelp, formatHelp } from './help.js';
import { shellWords } from './init/shell-words.js';
import { FDPASS } from './syntax.js';
import { FDPASS_USAGE, FDRECV_USAGE } from './usage.js';

describe('the help', () => {
  const commands = FDPASS_USAGE.commands.filter(({ name }) => name !== '');

  it('fits into 80 columns, except for what is to be copied', () => {
    const pages = [
      formatHelp(FDPASS_USAGE),
      formatHelp(FDRECV_USAGE),
      ...commands.map((command) => formatCommandHelp(FDPASS_USAGE, command)),
    ];
    const examples = FDPASS_USAGE.commands.flatMap((command) => command.examples ?? []).map(([code]) => `  ${code}`);
    for (const line of pages.join('\n').split('\n'))
      if (!examples.includes(line)) expect(line.length, line).to.be.at.most(80);
  });

  for (const command of commands) {
    it(`of ${command.name} has its own options and no others`, () => {
      const page = formatCommandHelp(FDPASS_USAGE, command);
      expect(page).to.contain(`  fdpass ${command.name} ${command.synopsis}`.trimEnd());
      const shown = [...page.matchAll(/^ {2}(?:-\w, | {4})--([\w-]+)/gm)].map(([, name]) => name);
      expect(shown).to.have.members([...command.options, 'help', 'version']);
    });
  }

  for (const [code] of commands.flatMap(({ examples = [] }) => examples)) {
    if (!/^(\w+=\w+ )?fdpass [^>|$]*$/.test(code)) continue;
    it(`has an example that is taken: ${code}`, () => {
      const words = shellWords(code.replace(/^\w+=\w+ /, ''));
      const { command, operands } = parseArguments(FDPASS, words.slice(1));
      expect(command.name).to.equal(words.find((word) => commands.some(({ name }) => name === word)));
      const { operands: kinds = [] } = command;
      const fixed = kinds[0];
      if (Array.isArray(fixed)) expect(fixed).to.include(operands[0]);
    });
  }
});
