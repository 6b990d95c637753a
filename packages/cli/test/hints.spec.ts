import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { ROOT } from './doc-blocks.spec.helper.js';

/** What a hint asks for. CONTRIBUTING.md has the rules. */
const IMPERATIVES =
  'add|align|await|begin|change|check|choose|connect|correct|delete|did you mean|edit|end|export|find|give|install|keep|leave|listen|look|make|move|name|open|pass|put|raise|read|remove|replace|resolve|return|run|save|say|see|set|start|try|unset|update|use|wait|write';
const IMPERATIVE = new RegExp(`(?:^|: )(?:${IMPERATIVES})\\b`);

interface Hint {
  readonly place: string;
  readonly text: string;
}

/** Functions of ours whose last argument is a hint. */
const POSITIONAL = /\b(?:configError|error|warning|note|wrong|fail|failed|refused)\(/g;
const PROPERTY = /\bhint: /g;

/** Every hint that is written as a text in the sources; one that is computed is made of these. */
function hintsIn(file: string): Hint[] {
  const source = readFileSync(file, 'utf8');
  const place = (at: number): string => `${file.slice(ROOT.length)}:${source.slice(0, at).split('\n').length}`;
  const properties = [...source.matchAll(PROPERTY)].flatMap(({ 0: start, index }) =>
    textsIn(source, index + start.length).map((text) => ({ place: place(index), text })),
  );
  const positional = [...source.matchAll(POSITIONAL)].flatMap(({ 0: start, index }) => {
    const [message, hint] = textsIn(source, index + start.length, ')');
    return message === undefined || hint === undefined ? [] : [{ place: place(index), text: hint }];
  });
  return [...properties, ...positional];
}

/** The texts from `at` to the end of the value there: a comma or a bracket that closes what was open before. */
function textsIn(source: string, at: number, end = ',)}'): string[] {
  const texts: string[] = [];
  const token = /'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`|[([{]|[)\]},;]/gy;
  let depth = 0;
  for (let from = at; from < source.length; from++) {
    token.lastIndex = from;
    const found = token.exec(source);
    if (found === null) continue;
    const [all, single, double, template] = found;
    const text = single ?? double ?? template;
    if (text !== undefined) {
      texts.push(text);
    } else if ('([{'.includes(all)) {
      depth++;
    } else if (depth === 0 && (end.includes(all) || all === ';')) {
      break;
    } else if (')]}'.includes(all)) {
      depth--;
    }
    from += all.length - 1;
  }
  // Arguments of calls inside, such as the comma of join(', '), are no sentences.
  return texts.filter((text) => /[a-z]{2}.* /.test(text));
}

function sources(): string[] {
  return readdirSync(join(ROOT, 'packages')).flatMap((name) =>
    readdirSync(join(ROOT, 'packages', name, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.includes('.spec.'))
      .map((file) => join(ROOT, 'packages', name, 'src', file)),
  );
}

describe('hints of errors', () => {
  const hints = sources().flatMap(hintsIn);

  it('are found', () => {
    expect(hints.length).to.be.greaterThan(100);
  });

  it('ask for something, in one clause without a full stop', () => {
    const wrong = hints.filter(({ text }) => !IMPERATIVE.test(text) || /[^.]\.$|;|(?<!e\.g)\. /.test(text));
    expect(wrong.map(({ place, text }) => `${place} ${text}`)).to.deep.equal([]);
  });
});
