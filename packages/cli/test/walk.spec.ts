import { existsSync, readFileSync } from 'node:fs';
import { expect } from 'chai';

const ROOT = new URL('../../../', import.meta.url);
const PAGE = 'docs/architecture.md';
const MOST_FILES = 27;
const MOST_RETURNS = 10;

/** One line of the walk: a function, and the file that defines it. */
interface Step {
  readonly file: string;
  readonly name: string;
  /** Marked as `back in`: the walk goes on in a function that it has been in. */
  readonly isBack: boolean;
}

/** The numbered lines of the section; each begins with an optional `back in`, a file and a name in inline code. */
function readWalk(): Step[] {
  const section = readFileSync(new URL(PAGE, ROOT), 'utf8')
    .split(/^## /m)
    .find((text) => text.startsWith('The walk'));
  const lines = [...(section ?? '').matchAll(/^\d+\. (back in )?`([\w/.-]+\.ts)` `([\w.]+)`/gm)];
  return lines.map(([, back, file = '', name = '']) => ({ file, name, isBack: back !== undefined }));
}

/** The text of every definition of `name` in a file: functions, classes, constants, methods and members. */
function definitionOf({ file, name }: Step): string {
  const lines = readFileSync(new URL(file, ROOT), 'utf8').split('\n');
  const word = `#?${name}\\b`;
  const starts = new RegExp(
    `^\\s*(export )?((async )?function|class|const|interface|type) ${word}|^\\s*(readonly |async |get )*${word}(<[^>]*>)?\\??(:|\\(.*[{(]$)`,
  );
  return lines.flatMap((line, at) => (starts.test(line) ? [blockAt(lines, at)] : [])).join('\n');
}

/** The lines up to the one that closes what line `at` opens; that line alone if it opens nothing. */
function blockAt(lines: readonly string[], at: number): string {
  const first = lines[at] ?? '';
  if (/[;,]$/.test(first)) return first;
  const indent = /^\s*/.exec(first)?.[0] ?? '';
  const length = lines.slice(at).findIndex((line) => new RegExp(`^${indent}[}\\])]+[;,)]*$`).test(line));
  return lines.slice(at, at + length + 1).join('\n');
}

function mentions(text: string, name: string): boolean {
  return new RegExp(`\\b${name}\\b`).test(text);
}

/** Pairs of lines of which the first does not lead to the second. */
function brokenLinks(steps: readonly Step[]): string[] {
  const callers: Step[] = [];
  const broken: string[] = [];
  for (const step of steps) {
    const last = callers.at(-1);
    if (step.isBack) {
      const at = callers.findIndex(({ file, name }) => file === step.file && name === step.name);
      if (at === -1) broken.push(`the walk was never in ${step.name} before it is back in it`);
      else callers.splice(at + 1);
      continue;
    }
    if (last !== undefined && !mentions(definitionOf(last), step.name)) {
      broken.push(`${last.file} ${last.name} does not mention ${step.name}`);
    }
    callers.push(step);
  }
  return broken;
}

/** How often the walk enters a file that it has been in before and has left. */
function countReturns(steps: readonly Step[]): number {
  const seen = new Set<string>();
  return steps.filter(({ file }, at) => {
    const isReturn = seen.has(file) && steps[at - 1]?.file !== file;
    seen.add(file);
    return isReturn;
  }).length;
}

describe(`the walk of a target in ${PAGE}`, () => {
  const steps = readWalk();

  it('begins with the command line and ends with sendmsg', () => {
    expect(steps[0]).to.deep.equal({ file: 'packages/cli/src/fdpass.ts', name: 'main', isBack: false });
    expect(steps.at(-1)?.name).to.equal('sendmsg');
  });

  it('names functions that exist', () => {
    for (const step of steps) {
      expect(existsSync(new URL(step.file, ROOT)), step.file).to.equal(true);
      expect(definitionOf(step), `${step.file} ${step.name}`).to.not.equal('');
    }
  });

  it('goes from each function to one that it mentions, or back to a caller', () => {
    expect(brokenLinks(steps)).to.deep.equal([]);
  });

  it(`reads at most ${MOST_FILES} files and returns to one at most ${MOST_RETURNS} times`, () => {
    expect(new Set(steps.map(({ file }) => file)).size).to.be.at.most(MOST_FILES);
    expect(countReturns(steps)).to.be.at.most(MOST_RETURNS);
  });
});
