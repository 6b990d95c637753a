// docs/api: the reference of the public API as Markdown, one page a package. Without dates, lines and absolute paths, so
// that a page changes only when the API or what is said of it does.
import { readApi } from './read-api.mjs';

const KINDS = ['Functions', 'Classes', 'Types', 'Constants', 'Types that are used but not exported'];
const NOTE = '<!-- Written by `npm run docs` from the declarations in packages/; edit those. -->';

/** The pages by file name. */
export function apiPages() {
  const packages = readApi();
  const pages = packages.map((one) => [`${one.folder}.md`, formatPackage(one, linksFor(one, packages))]);
  return new Map([['README.md', formatIndex(packages)], ...pages]);
}

/** Exported symbols, and members of exported classes and interfaces, that nothing is said about, as `FILE: NAME`. */
export function undocumented() {
  const silent = ({ name, doc, members }) => [
    ...(doc === '' ? [name] : []),
    ...members.map((member) => `${name}.${member}`),
  ];
  return readApi().flatMap(({ symbols }) =>
    symbols.flatMap((symbol) => silent(symbol).map((name) => `packages/${symbol.source}: ${name}`)),
  );
}

/** Where a name leads from a package's page: to the page itself first. */
function linksFor(own, packages) {
  const all = packages.flatMap((one) => anchors(one).map(([name, anchor]) => [name, `${one.folder}.md#${anchor}`]));
  return new Map([...all, ...anchors(own).map(([name, anchor]) => [name, `#${anchor}`])]);
}

/** Each symbol's anchor, as GitHub numbers those that differ in capitals only (`lookUp` and `Lookup`). */
function anchors({ symbols }) {
  const taken = new Map();
  return inOrder(symbols).map(({ name }) => {
    const slug = name.toLowerCase();
    const before = taken.get(slug) ?? 0;
    taken.set(slug, before + 1);
    return [name, before === 0 ? slug : `${slug}-${before}`];
  });
}

/** By kind, then by name. */
function inOrder(symbols) {
  return KINDS.flatMap((kind) => symbols.filter((symbol) => symbol.kind === kind).sort(byName));
}

function formatIndex(packages) {
  const rows = packages.map(({ folder, name, description }) => `| [\`${name}\`](${folder}.md) | ${description} |`);
  return `${[
    NOTE,
    '# API reference',
    'What each package exports, as its declarations and their comments say it. [architecture.md](../architecture.md) tells how the parts fit.',
    ['| package | what it is |', '| --- | --- |', ...rows].join('\n'),
  ].join('\n\n')}\n`;
}

function formatPackage({ folder, name, description, symbols }, links) {
  const sorted = inOrder(symbols);
  const kinds = KINDS.map((kind) => ({ kind, members: sorted.filter((symbol) => symbol.kind === kind) }));
  const filled = kinds.filter(({ members }) => members.length > 0);
  return `${[
    NOTE,
    `# ${name}`,
    `${description}. [README](../../packages/${folder}/README.md), [all packages](README.md)`,
    filled.map((one) => formatContents(one, links)).join('\n'),
    ...filled.flatMap(({ kind, members }) => [`## ${kind}`, ...members.flatMap((one) => formatSymbol(one, links))]),
  ].join('\n\n')}\n`;
}

function byName(a, b) {
  return a.name.toLowerCase() < b.name.toLowerCase() ? -1 : 1;
}

function formatContents({ kind, members }, links) {
  return `- **${kind}**: ${members.map(({ name }) => `[\`${name}\`](${links.get(name)})`).join(', ')}`;
}

function formatSymbol({ name, doc, code, source, uses }, links) {
  const known = [...new Set(uses)].filter((used) => used !== name && links.has(used)).sort();
  const types = known.map((used) => `[\`${used}\`](${links.get(used)})`);
  const file = source.split('/').slice(2).join('/');
  return [
    `### ${name}`,
    ...(doc === '' ? [] : [formatDoc(doc, links)]),
    `\`\`\`typescript\n${code}\n\`\`\``,
    [`Source: [${file}](../../packages/${source})`, ...(types.length > 0 ? [`uses ${types.join(', ')}`] : [])].join(
      '; ',
    ),
  ];
}

/** A comment as Markdown: links lead to their symbols, tags are words. */
function formatDoc(doc, links) {
  return doc
    .replace(/\{@link (\w+)\}/g, (_, name) => (links.has(name) ? `[\`${name}\`](${links.get(name)})` : `\`${name}\``))
    .replace(/\s*@throws /g, '\n\nThrows ')
    .replace(/\s*@param (\w+) /g, '\n- `$1`: ')
    .trim();
}
