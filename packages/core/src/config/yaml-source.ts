import { dirname } from 'node:path';
import {
  type Document,
  type ErrorCode,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
} from 'yaml';
import type { PlacePart, ValuePath, Where } from '../ground/errors.js';
import { type FileStamp, readTrustedText } from '../ground/files.js';
import { configError, type Source } from './source.js';

/** Reads a YAML or JSON file that can be trusted. @throws FdpassError `config` that points at what is wrong. */
export function readSource(file: string): Source {
  const { text, stamp } = readTrustedText(file);
  return parseSource(file, text, stamp);
}

/**
 * Parses the text of a config file; JSON is YAML too. The parsed document stays in memory: the place of the rule that
 * matched is part of every route, and finding it later would mean parsing twice.
 *
 * @throws FdpassError `config` for syntax errors, duplicate keys, unknown tags and aliases, and a file with nothing in it.
 */
export function parseSource(file: string, text: string, stamp?: FileStamp): Source {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' });
  const whereIs = (offset: number): Where => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  checkSyntax(document, whereIs);
  const data = toData(document, whereIs);
  // A write that failed, or a file yet to be written: taking it for "no rules" would connect directly.
  if (data === null) {
    const what = text.trim() === '' ? 'the file is empty' : 'the file has nothing in it but comments or null';
    throw configError(whereIs(0), what, 'write {} into it if there are no rules');
  }
  return {
    file,
    baseDir: dirname(file),
    data,
    stamp,
    locate: (path, part = 'value') => whereIs(offsetOf(document, path, part)),
  };
}

/**
 * The config under the key `fdpass` of a `package.json`; undefined if it has none.
 *
 * @throws FdpassError `config` that points at what is wrong.
 */
export function packageSource(file: string, text: string): Source | undefined {
  const source = parseSource(file, text);
  const data = (Object(source.data) as Record<string, unknown>)['fdpass'];
  if (data === undefined) return undefined;
  if (data === null) throw configError(source.locate(['fdpass']), 'the key "fdpass" is empty', 'write the rules there');
  return { ...source, data, locate: (path, part) => source.locate(['fdpass', ...path], part) };
}

/** The text itself is never shown: it can contain an unquoted secret. */
function checkSyntax(document: Document.Parsed, whereIs: (offset: number) => Where): void {
  const [problem] = [...document.errors, ...document.warnings];
  if (problem === undefined) return;
  const where = whereIs(problem.pos[0]);
  const { what, hint } = SYNTAX_ERRORS[problem.code] ?? NOT_YAML;
  throw configError(where, what, hint);
}

interface Fault {
  readonly what: string;
  readonly hint: string;
}

const NOT_YAML: Fault = { what: 'this is not YAML or JSON', hint: 'check that it is the right file' };
const INDENTATION: Fault = { what: 'the indentation is wrong', hint: 'align it with its neighbours, by spaces' };
const NESTED_KEY: Fault = { what: 'a key of a mapping cannot be here', hint: 'put a text with ": " in it in quotes' };

/** What is wrong by the YAML parser's codes. Its own messages quote the file. */
const SYNTAX_ERRORS: Readonly<Partial<Record<ErrorCode, Fault>>> = {
  BAD_ALIAS: {
    what: 'what begins with "&" or "*" is an anchor or an alias, and this one has no name',
    hint: 'put it in quotes',
  },
  BAD_DQ_ESCAPE: { what: 'no character is written like this after a backslash', hint: 'put the text in single quotes' },
  BAD_INDENT: INDENTATION,
  BAD_SCALAR_START: { what: 'a text cannot begin with this character', hint: 'put it in quotes' },
  BLOCK_AS_IMPLICIT_KEY: NESTED_KEY,
  BLOCK_IN_FLOW: {
    what: 'lines of a list or a mapping cannot be inside of brackets',
    hint: 'write it without the brackets',
  },
  DUPLICATE_KEY: { what: 'this key is here for the second time', hint: 'leave out one of them' },
  MISSING_CHAR: { what: 'a bracket, a quote, a comma or a colon is missing here', hint: 'add it' },
  MULTILINE_IMPLICIT_KEY: {
    what: 'a colon is missing after this, or what follows is indented too far',
    hint: 'check both',
  },
  MULTIPLE_DOCS: { what: 'the file holds several documents', hint: 'keep one' },
  TAB_AS_INDENT: { what: 'a tab cannot indent', hint: 'use spaces' },
  TAG_RESOLVE_FAILED: {
    what: 'what begins with "!" is a tag, and YAML has no tag of this name',
    hint: 'put it in quotes',
  },
  UNEXPECTED_TOKEN: { what: 'this does not fit what is before it', hint: 'look for a missing quote, bracket or comma' },
};

function toData(document: Document.Parsed, whereIs: (offset: number) => Where): unknown {
  try {
    return document.toJS();
  } catch (error) {
    visit(document, {
      Alias(_, alias) {
        if (alias.resolve(document) !== undefined) return;
        throw configError(
          whereIs(alias.range?.[0] ?? 0),
          'what begins with "*" is an alias, and no anchor of this name is defined',
          'put it in quotes',
        );
      },
    });
    throw configError(whereIs(0), 'the aliases of this file repeat too much', 'use fewer of them', error);
  }
}

/** The character at which the value or its key begins. */
function offsetOf(document: Document.Parsed, path: ValuePath, part: PlacePart): number {
  let node: unknown = document.contents;
  let offset = offsetAt(node) ?? 0;
  for (const [depth, key] of path.entries()) {
    const isLast = depth === path.length - 1;
    const step = stepInto(document, node, key);
    if (step === undefined) break;
    node = step.value;
    offset = (isLast && part !== 'value' ? offsetAt(step.key) : offsetAt(step.value)) ?? offsetAt(step.key) ?? offset;
  }
  return offset;
}

function stepInto(
  document: Document.Parsed,
  from: unknown,
  key: string | number,
): { key: unknown; value: unknown } | undefined {
  const node = isAlias(from) ? from.resolve(document) : from;
  if (isMap(node)) {
    const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key));
    if (pair !== undefined) return { key: pair.key, value: pair.value };
  }
  if (isSeq(node)) {
    const value = node.items[Number(key)];
    return value === undefined ? undefined : { key: undefined, value };
  }
  return key === 0 ? { key: undefined, value: node } : undefined; // a single value where a list could stand
}

function offsetAt(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0];
}
