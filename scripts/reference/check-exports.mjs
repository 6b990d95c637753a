// Whether every name that a package exports is used outside that package, and documented together with its members. It
// is here because only this folder has a TypeScript with an API.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

process.chdir(fileURLToPath(new URL('../..', import.meta.url)));
const SKIPPED = new Set(['node_modules', 'dist', 'dist-test', 'bundle', 'reference', 'CHANGELOG.md', 'decisions.md']);

/** The entry points of every package: its folder, the name that is imported, and the file with the declarations. */
const entries = readdirSync('packages').flatMap((folder) => {
  const { name, exports = {} } = JSON.parse(readFileSync(`packages/${folder}/package.json`, 'utf8'));
  return Object.entries(exports)
    .filter(([, { types }]) => types !== undefined)
    .map(([path, { types }]) => ({
      folder: `packages/${folder}/`,
      name: join(name, path),
      file: resolve('packages', folder, types),
    }));
});

const program = ts.createProgram(
  entries.map(({ file }) => file),
  { noLib: true, types: [], module: ts.ModuleKind.NodeNext },
);
const checker = program.getTypeChecker();

/** The exported names of an entry point with their declarations, which can be in another package. */
function exportsOf({ file }) {
  const module = checker.getSymbolAtLocation(program.getSourceFile(file));
  return checker.getExportsOfModule(module).map((symbol) => {
    const isAlias = (symbol.flags & ts.SymbolFlags.Alias) !== 0;
    const declared = isAlias ? checker.getAliasedSymbol(symbol) : symbol;
    return { name: symbol.name, declared, declarations: declared.declarations ?? [] };
  });
}

/** Where each name of an entry point is imported: `ENTRY NAME` -> files. */
const users = new Map();
for (const file of [
  ...filesIn('packages'),
  ...filesIn('examples'),
  ...filesIn('bench'),
  ...filesIn('scripts'),
  ...filesIn('docs'),
  'README.md',
  'CONTRIBUTING.md',
]) {
  for (const used of importsIn(file, readFileSync(file, 'utf8'))) users.set(used, [...(users.get(used) ?? []), file]);
}

function* filesIn(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && !SKIPPED.has(entry.name)) yield* filesIn(path);
    else if (/\.(ts|[cm]?js|md)$/.test(entry.name) && !SKIPPED.has(entry.name)) yield path;
  }
}

/** What a program or a page imports by name, or reads from a whole module, as `ENTRY NAME`. */
function importsIn(file, text) {
  const lists = [
    ...text.matchAll(/(?:import|export)\s+(?:type\s+)?(\{[^}]*\}|\*\s+as\s+\w+)\s+from\s+['"]([^'"]+)['"]/g),
    ...text.matchAll(/(\{[^}]*\})\s*=\s*await import\(\s*['"]([^'"]+)['"]\s*\)/g),
  ];
  const members = [...text.matchAll(/import\(\s*['"]([^'"]+)['"]\s*\)\)?\.(\w+)/g)];
  return [
    ...lists.flatMap(([, what, from]) => namesIn(what, text).map((name) => `${entryOf(from, file)} ${name}`)),
    ...members.map(([, from, name]) => `${entryOf(from, file)} ${name}`),
  ];
}

/** Names that a page explains in inline code: what programs outside this repository are told to use. */
function explainedIn(folder) {
  const pages = [join(folder, 'README.md'), ...filesIn('docs')].filter((file) => file.endsWith('.md'));
  const text = pages.map((file) => readFileSync(file, 'utf8')).join('\n');
  return new Set([...text.matchAll(/`([\w$]+)\b[^`\n]*`/g)].map(([, name]) => name));
}

function namesIn(what, text) {
  if (what.startsWith('*')) {
    const namespace = what.split(/\s+/).at(-1);
    return [...text.matchAll(new RegExp(`\\b${namespace}\\.(\\w+)`, 'g'))].map(([, name]) => name);
  }
  return [...what.matchAll(/(?:^\{|,)\s*(?:type\s+)?([\w$]+)/g)].map(([, name]) => name);
}

/** Scripts and benchmarks import the built files by path. */
function entryOf(specifier, importer) {
  if (!specifier.startsWith('.')) return specifier;
  const file = resolve(dirname(importer), specifier).replace(/\.js$/, '.d.ts');
  return entries.find((entry) => entry.file === file)?.name ?? specifier;
}

/**
 * Names of a package that nothing outside it imports. A type in the declaration of one that is used counts as used: whoever
 * uses that can need its name.
 */
function unused(entry, all) {
  const isOutside = (file) =>
    !file.startsWith(join(entry.folder, 'src')) && !file.startsWith(join(entry.folder, 'test'));
  const explained = explainedIn(entry.folder);
  const isUsed = ({ name }) => explained.has(name) || (users.get(`${entry.name} ${name}`) ?? []).some(isOutside);
  const used = all.filter(isUsed);
  for (const one of used) {
    // grows while it is walked
    const text = [...one.declarations, ...inherited(one)].map((declaration) => declaration.getText()).join('\n');
    used.push(...all.filter((other) => !used.includes(other) && new RegExp(`\\b${other.name}\\b`).test(text)));
  }
  return all.filter((one) => !used.includes(one)).map(({ name }) => name);
}

/** The declarations of what an interface extends, which can be in another package. */
function inherited({ declared }) {
  if ((declared.flags & ts.SymbolFlags.Interface) === 0) return [];
  const bases = checker.getBaseTypes(checker.getDeclaredTypeOfSymbol(declared));
  return bases.flatMap(({ symbol }) => symbol?.declarations ?? []);
}

/** Names, and members of classes and interfaces, that have no comment. Those of another package are documented there. */
function undocumented({ folder }, all) {
  return all
    .filter(({ declarations }) => declarations[0]?.getSourceFile().fileName.includes(`/${folder}dist/`))
    .flatMap(({ name, declared }) => [
      ...(isDocumented(declared) ? [] : [name]),
      ...silentMembers(declared).map((member) => `${name}.${member}`),
    ]);
}

/** A comment of its own or that of the interface it implements. */
function isDocumented(symbol) {
  return symbol.getDocumentationComment(checker).length > 0 || symbol.getJsDocTags(checker).length > 0;
}

/** Members that are neither private nor Node's own (`_read` and the like). */
function silentMembers(symbol) {
  const members = [...(symbol.members?.values() ?? [])].filter(({ valueDeclaration }) => {
    const text = valueDeclaration?.name?.getText() ?? '_';
    return !/^[#_]/.test(text) && (ts.getCombinedModifierFlags(valueDeclaration) & ts.ModifierFlags.Private) === 0;
  });
  return members.filter((member) => !isDocumented(member)).map(({ name }) => name);
}

const problems = entries.flatMap((entry) => {
  const all = exportsOf(entry);
  return [
    ...unused(entry, all).map((name) => `${entry.name}: nothing outside the package uses ${name}`),
    ...undocumented(entry, all).map((name) => `${entry.name}: ${name} has no comment`),
  ];
});
for (const problem of problems) console.log(problem);
process.exit(problems.length > 0 ? 1 : 0);
