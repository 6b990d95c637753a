import { readdirSync } from 'node:fs';
import { golden } from '@fdpass/test-lab';
import { expect } from 'chai';
import { formatErrorHelp, formatErrorList } from './error-help.js';
import { formatCommandHelp, formatHelp } from './help.js';
import { ERROR_STATUS, FDPASS_USAGE, FDRECV_USAGE } from './usage.js';

const named = FDPASS_USAGE.commands.filter(({ name }) => name !== '');

/** What `fdpass help` prints for each topic, by the name of its file. */
const PAGES: Readonly<Record<string, string>> = {
  fdpass: formatHelp(FDPASS_USAGE),
  fdrecv: formatHelp(FDRECV_USAGE),
  ...Object.fromEntries(named.map((command) => [`fdpass-${command.name}`, formatCommandHelp(FDPASS_USAGE, command)])),
  errors: formatErrorList(),
  ...Object.fromEntries(ERROR_STATUS.map((error) => [`error-${error.code}`, formatErrorHelp(error)])),
};

const FOLDER = new URL('../src/golden/help/', import.meta.url);

/** As they are committed; FDPASS_WRITE_GOLDEN=1 writes them. */
describe('the help page', () => {
  for (const [name, page] of Object.entries(PAGES)) {
    it(`${name} is as it was read and found good`, () => {
      expect(page).to.equal(golden(new URL(`${name}.txt`, FOLDER), page));
    });
  }

  it('of nothing that is gone is kept', () => {
    expect(readdirSync(FOLDER)).to.have.members(Object.keys(PAGES).map((name) => `${name}.txt`));
  });
});
