import { expect } from 'chai';
import { adviceOnLoading } from './load-hint.js';

describe('advice on a module that cannot be loaded', () => {
  const errors: readonly (readonly [code: string, said: string, advice: RegExp | undefined])[] = [
    [
      'ERR_UNKNOWN_FILE_EXTENSION',
      'Unknown file extension ".mts" for /p/gateway.mts',
      /^\/p\/gateway\.mts is TypeScript, which Node 20\.19\.0 cannot run; run fdpass with Node 22\.18 or later, or compile the file to JavaScript$/,
    ],
    ['ERR_UNKNOWN_FILE_EXTENSION', 'Unknown file extension ".toml" for /p/gateway.toml', undefined],
    ['ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX', 'TypeScript enum is not supported', /^TypeScript enum .*; write it without/],
    [
      'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING',
      'Stripping types is currently unsupported for files under node_modules, for "file:///p/node_modules/a/b.ts"',
      /^it is TypeScript in a package, .*; install a package/,
    ],
    [
      'ERR_MODULE_NOT_FOUND',
      "Cannot find package '@fdpass/core' imported from /p/a.mts",
      /; use "import type" for types/,
    ],
    ['ERR_MODULE_NOT_FOUND', "Cannot find package 'ws' imported from /p/a.mjs", undefined],
    ['ENOENT', 'no such file', undefined],
  ];
  for (const [code, said, expected] of errors) {
    it(`${expected === undefined ? 'is none' : 'says what to do'}: ${said}`, () => {
      const advice = adviceOnLoading(Object.assign(new Error(said), { code }), '20.19.0');
      if (expected === undefined) expect(advice).to.equal(undefined);
      else expect(`${advice?.message ?? said}; ${advice?.hint}`).to.match(expected);
    });
  }

  it('is none for what is not an error', () => {
    for (const thrown of [undefined, null, 'oops', 7]) expect(adviceOnLoading(thrown)).to.equal(undefined);
  });
});
