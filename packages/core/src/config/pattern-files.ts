import { isFdpassError } from '../ground/errors.js';
import { expandPath, type FileStamp, readTrustedText } from '../ground/files.js';
import { isShownPath } from '../ground/shown.js';
import type { Pattern } from '../rules/pattern.js';
import { parseHostPattern, patternList } from '../rules/read-pattern.js';
import { type FileContent, orReport, type PatternFile, type Report, type WrittenRule } from './schema.js';
import { configError, type Source } from './source.js';

/*
 * Host patterns in a file of their own, one in each line, as a list that a program writes. It decides where connections go, so
 * it is read as a config is: nobody else can have write permission.
 */

/** A file of patterns that was read. */
export interface ReadPatternFile {
  readonly path: string;
  readonly stamp: FileStamp;
}

/** The content of a config file with the patterns of its pattern files in it, and those files. */
export interface WithPatterns {
  readonly content: FileContent;
  readonly patternFiles: readonly ReadPatternFile[];
}

/**
 * Reads the pattern files that the rules of a config file name.
 *
 * @param options.home As {@link expandPath} takes it.
 * @param options.report For a check: is told what is wrong, and the rule is then left with the other patterns.
 * @throws FdpassError `config` that points at the line, or at the rule that names the file.
 */
export function readPatternFiles(
  source: Source,
  content: FileContent,
  { home, report }: { readonly home?: string | undefined; readonly report?: Report | undefined },
): WithPatterns {
  const patternFiles: ReadPatternFile[] = [];
  const patternsOf = (item: Pattern | PatternFile, rule: number, index: number): readonly Pattern[] => {
    if (!('file' in item)) return [item];
    return orReport(report, [], () => {
      const read = readNamed(item.file, source, ['rules', rule, 'host', index, 'file'], home);
      patternFiles.push(read);
      return patternsIn(read.text, read.path);
    });
  };
  const rules = content.rules.map((rule, at): WrittenRule => {
    const { host } = rule;
    if (host === undefined || !host.some((item) => 'file' in item)) return rule;
    const patterns = host.flatMap((item, index) => patternsOf(item, at, index));
    return { ...rule, host: orReport(report, patterns, () => checkList(patterns, source, at)) };
  });
  return { content: { ...content, rules }, patternFiles };
}

function readNamed(
  written: string,
  source: Source,
  place: readonly (string | number)[],
  home: string | undefined,
): ReadPatternFile & { readonly text: string } {
  const where = source.locate(place);
  try {
    const path = expandPath(written, source.baseDir, home);
    const { text, stamp } = readTrustedText(path);
    return { path, stamp, text };
  } catch (error) {
    if (!isFdpassError(error)) throw error;
    if (!isShownPath(written) && !/^[\w.-]+\.\w+$/.test(written))
      throw configError(where, 'this file of patterns cannot be read', 'check its path');
    throw configError(where, `cannot read the patterns: ${error.summary}`, error.hint, error);
  }
}

/** One in each line; what follows a `#` is a comment. */
function patternsIn(text: string, file: string): Pattern[] {
  return text.split('\n').flatMap((line, index) => {
    const written = line.replace(/#.*/, '');
    const source = written.trim();
    if (source === '') return [];
    const where = { file, line: index + 1, column: written.length - written.trimStart().length + 1 };
    return [patternAt(source, where)];
  });
}

function patternAt(source: string, where: NonNullable<Pattern['where']>): Pattern {
  try {
    return { ...parseHostPattern(source), where };
  } catch (error) {
    throw isFdpassError(error) ? configError(where, error.message, error.hint) : error;
  }
}

function checkList(patterns: readonly Pattern[], source: Source, rule: number): readonly Pattern[] {
  try {
    return patternList(patterns);
  } catch (error) {
    if (!isFdpassError(error)) throw error;
    const isEmpty = patterns.length === 0;
    const { message, hint } = isEmpty ? EMPTY : error;
    throw configError(source.locate(['rules', rule, 'host']), message, hint);
  }
}

const EMPTY = {
  message: 'the file has no patterns in it, so the rule matches nothing',
  hint: 'write one in each line',
};
