import { readFileSync } from 'node:fs';
import { FdpassError } from '@fdpass/core';
import { exitCodeOf } from '@fdpass/core/host';
import { expect } from 'chai';
import { ERROR_CATALOGUE } from './error-catalogue.js';
import { formatErrorHelp, formatErrorList, formatErrorsPage } from './error-help.js';
import { ERROR_STATUS } from './usage.js';

const CORE_ERRORS = new URL('../../core/src/ground/errors.ts', import.meta.url);

/** The members of the union `ErrorCode`, from its source: a type is not there at run time. */
function codesInCore(): string[] {
  const [, union = ''] = /export type ErrorCode =([^;]+);/.exec(readFileSync(CORE_ERRORS, 'utf8')) ?? [];
  return [...union.matchAll(/\| '([\w-]+)'/g)].map(([, code = '']) => code);
}

describe('the catalogue of errors', () => {
  it('has every code of core, with its exit status', () => {
    const codes = codesInCore();
    expect(codes).to.include('timeout');
    expect(Object.keys(ERROR_CATALOGUE)).to.have.members(codes);
    expect(ERROR_STATUS.map(({ code }) => code)).to.have.members(codes);
    for (const { code, status } of ERROR_STATUS) expect(exitCodeOf(new FdpassError(code, 'x')), code).to.equal(status);
  });

  for (const error of ERROR_STATUS) {
    const { causes, example } = ERROR_CATALOGUE[error.code];

    it(`has for ${error.code} causes, remedies, and an example with that code`, () => {
      expect(causes).not.to.have.lengthOf(0);
      expect(example.at(-1)).to.match(new RegExp(`^fdpass: \\[${error.code}\\] .`));
    });

    it(`fits into 80 columns as fdpass help ${error.code}, but for the example`, () => {
      const shown = example.map((line) => `  ${line}`);
      for (const line of formatErrorHelp(error).split('\n'))
        if (!shown.includes(line)) expect(line.length, line).to.be.at.most(80);
    });
  }

  it('is what docs/errors.md says (else: npm run docs)', () => {
    expect(readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8')).to.equal(formatErrorsPage());
  });

  it('lists the codes in lines of at most 80 columns', () => {
    for (const line of formatErrorList().split('\n')) expect(line.length, line).to.be.at.most(80);
  });
});
