// What each package exports, read from its built declarations with the API that TypeScript had up to version 6.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const PACKAGES = fileURLToPath(new URL('../../packages', import.meta.url));
const KINDS = new Map([
  [ts.SyntaxKind.FunctionDeclaration, 'Functions'],
  [ts.SyntaxKind.ClassDeclaration, 'Classes'],
  [ts.SyntaxKind.InterfaceDeclaration, 'Types'],
  [ts.SyntaxKind.TypeAliasDeclaration, 'Types'],
  [ts.SyntaxKind.VariableDeclaration, 'Constants'],
]);

/** Every package but the commands: its folder, description and symbols (name, kind, doc, code, source, uses, silent members). */
export function readApi() {
  const folders = readdirSync(PACKAGES).filter((folder) => folder !== 'cli');
  const entries = folders.map((folder) => join(PACKAGES, folder, 'dist', 'index.d.ts'));
  // No library and no node_modules: only names are asked for, and those of other packages are compared as text.
  const program = ts.createProgram(entries, { noLib: true, types: [], module: ts.ModuleKind.NodeNext });
  const checker = program.getTypeChecker();
  return folders.sort().map((folder) => {
    const entry = program.getSourceFile(join(PACKAGES, folder, 'dist', 'index.d.ts'));
    if (entry === undefined) throw new Error(`packages/${folder} is not built`);
    const exported = checker.getExportsOfModule(checker.getSymbolAtLocation(entry));
    const symbols = exported.map((symbol) => describeSymbol(checker, symbol, 'exported'));
    return { folder, ...describePackage(folder), symbols: [...symbols, ...hiddenTypes(checker, folder, symbols)] };
  });
}

/** The package's own types that its exported symbols name without exporting them. Not what these use in turn: internals. */
function hiddenTypes(checker, folder, exported) {
  const known = new Set(exported.map(({ declared }) => declared));
  const isHidden = (symbol) =>
    !known.has(symbol) &&
    KINDS.has(symbol.declarations?.[0]?.kind) &&
    symbol.declarations[0].getSourceFile().fileName.startsWith(join(PACKAGES, folder, 'dist'));
  const used = new Set(exported.flatMap(({ usedSymbols }) => usedSymbols).filter(isHidden));
  return [...used].map((symbol) => ({ ...describeSymbol(checker, symbol), members: [] }));
}

function describePackage(folder) {
  const { name, description } = JSON.parse(readFileSync(join(PACKAGES, folder, 'package.json'), 'utf8'));
  return { name, description };
}

function describeSymbol(checker, symbol, visibility = 'hidden') {
  const declared = unaliased(checker, symbol);
  const declarations = declared.declarations ?? [];
  const kind = KINDS.get(declarations[0]?.kind);
  if (kind === undefined) throw new Error(`${symbol.name}: a declaration of a kind that this reference does not know`);
  const statements = declarations.map(statementOf);
  const uses = statements.flatMap(namesIn);
  return {
    name: symbol.name,
    kind: visibility === 'exported' ? kind : 'Types that are used but not exported',
    declared,
    doc: statements.map(docOf).find((doc) => doc !== '') ?? '',
    code: statements.map(codeOf).join('\n'),
    source: sourceOf(declarations[0].getSourceFile().fileName),
    uses: uses.map((name) => name.getText()),
    usedSymbols: uses.flatMap((name) => unaliased(checker, checker.getSymbolAtLocation(name)) ?? []),
    members: statements.flatMap(undocumentedMembers),
  };
}

/** A constant's declaration stands in a statement, and that has the comment. */
function statementOf(declaration) {
  return ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
}

/** The text of the comment before it, without its stars. */
function docOf(node) {
  const comment = node.jsDoc?.at(-1)?.getText() ?? '';
  return comment.replace(/^\/\*\*\s*|\s*\*\/$/g, '').replace(/^[ \t]*\* ?/gm, '');
}

/** The declaration as it is written, indented by two, without what is private. */
function codeOf(node) {
  return node
    .getText()
    .replace(/^(export )?(declare )?/, '')
    .replace(/^ *(#private|private .*);\n/gm, '')
    .replace(/^( {4})+/gm, (spaces) => ' '.repeat(spaces.length / 2));
}

function sourceOf(file) {
  return relative(PACKAGES, file)
    .replaceAll('\\', '/')
    .replace('/dist/', '/src/')
    .replace(/\.d\.ts$/, '.ts');
}

/** The names of types in a declaration, as nodes. */
function namesIn(node) {
  const names = [];
  const visit = (child) => {
    if (ts.isTypeReferenceNode(child)) names.push(child.typeName);
    if (ts.isExpressionWithTypeArguments(child)) names.push(child.expression);
    ts.forEachChild(child, visit);
  };
  visit(node);
  return names;
}

function unaliased(checker, symbol) {
  return symbol !== undefined && symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
}

/** Methods, properties and accessors that nothing is said about and that are not Node's own (`_read` and the like). */
function undocumentedMembers(node) {
  if (!ts.isClassDeclaration(node) && !ts.isInterfaceDeclaration(node)) return [];
  return node.members
    .filter(
      (member) =>
        member.name !== undefined &&
        !/^(#|_|private)/.test(member.getText()) &&
        !/^_/.test(member.name.getText()) &&
        docOf(member) === '',
    )
    .map((member) => member.name.getText());
}
