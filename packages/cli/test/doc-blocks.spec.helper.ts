import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT: string = fileURLToPath(new URL('../../../', import.meta.url));

/** A fenced code block of a Markdown page. */
export interface DocBlock {
  /** The page, from the root of the repository. */
  readonly page: string;
  /** Where its first line of code stands, from 1. */
  readonly line: number;
  readonly language: string;
  /** Why it is only looked at and not run: `no-run REASON` after the language. */
  readonly noRun?: string | undefined;
  /** The file that its first line names, as in `// plugin.mjs` or `# team.yaml`: other blocks of the page may use it. */
  readonly file?: string | undefined;
  readonly code: string;
}

const FENCE = /^( *)(`{3,}|~{3,})\s*(.*)$/;
const FILE_NAME = /^(?:\/\/|#) ([\w./-]+\.(?:ya?ml|json|[mc]?[jt]s))\b/;

/** The pages people read: not the generated reference, whose declarations the compiler has written itself. */
export function docPages(): string[] {
  const docs = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.md') && !file.startsWith('api'),
  );
  const readmes = readdirSync(join(ROOT, 'packages')).map((name) => join('packages', name, 'README.md'));
  return ['README.md', 'CONTRIBUTING.md', ...docs.map((file) => join('docs', file)).sort(), ...readmes];
}

export function docText(page: string): string {
  return readFileSync(join(ROOT, page), 'utf8');
}

/** Every fenced block of a page. */
export function blocksOf(page: string, text: string = docText(page)): DocBlock[] {
  const blocks: DocBlock[] = [];
  const lines = text.split('\n');
  for (let at = 0; at < lines.length; at++) {
    const [, indent = '', fence, info = ''] = FENCE.exec(lines[at] ?? '') ?? [];
    if (fence === undefined) continue;
    const length = lines.slice(at + 1).findIndex((line) => line.trim().startsWith(fence));
    if (length === -1) throw new Error(`${page}:${at + 1}: a block that does not end`);
    const code = lines.slice(at + 1, at + 1 + length).map((line) => line.replace(indent, ''));
    blocks.push({ page, line: at + 2, ...described(info, code, `${page}:${at + 1}`), code: `${code.join('\n')}\n` });
    at += length + 1;
  }
  return blocks;
}

function described(
  info: string,
  code: readonly string[],
  where: string,
): Pick<DocBlock, 'language' | 'noRun' | 'file'> {
  const [language = '', marker, ...reason] = info.split(/\s+/);
  if (marker !== undefined && (marker !== 'no-run' || reason.length === 0)) {
    throw new Error(`${where}: what may stand behind the language is "no-run REASON", not ${JSON.stringify(info)}`);
  }
  const [, file] = FILE_NAME.exec(code[0] ?? '') ?? [];
  return { language: language || guess(code), noRun: marker && reason.join(' '), file };
}

/** A block without a language is ssh_config if it looks like that, else a command line. */
function guess(code: readonly string[]): string {
  return code.some((line) => /^\s*(Host|Match|ProxyCommand|Include) /.test(line)) ? 'sshconfig' : 'sh';
}

export function placeOf({ page, line }: DocBlock): string {
  return `${page}:${line}`;
}
