import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import {
  createSourceFile,
  forEachChild,
  isCallExpression,
  isDecorator,
  isExportDeclaration,
  isFunctionLike,
  isIdentifier,
  isImportDeclaration,
  isImportTypeNode,
  isLiteralTypeNode,
  isNewExpression,
  isPropertyAccessExpression,
  isStringLiteral,
  ScriptTarget,
  SyntaxKind,
  type Node,
  type SourceFile as SyntaxTree,
} from 'typescript';

/** Something at a line of a file: an import's specifier, or what makes the file impure. */
export interface Found {
  readonly what: string;
  readonly line: number;
}

/** What the rules need to know of one file. `path` is relative to the root, with `/`. */
export interface SourceFile {
  readonly path: string;
  readonly lines: number;
  readonly imports: readonly Found[];
  readonly starExports: readonly Found[];
  /** Clocks, timers, randomness, the process, decorators: what core/ gets as arguments or does without. */
  readonly impurities: readonly Found[];
  /** Functions of more lines than `MAX_FUNCTION_LINES`. */
  readonly longFunctions: readonly Found[];
}

export const MAX_FUNCTION_LINES = 60;

/** The specifier of an `import()` whose argument is not a plain string. */
export const COMPUTED = '(computed)';

const IMPURE_GLOBALS = new Set(
  'globalThis process performance console crypto fetch setTimeout setInterval setImmediate queueMicrotask require'.split(' '),
);
const IMPURE_CALLS = new Set(['Date.now', 'Math.random']);

/** Reads and parses every `.ts` file in `folders` of `root`; `dist` and `node_modules` are left out. */
export function readSources(root: string, folders: readonly string[]): SourceFile[] {
  return filesIn(root, folders, /\.ts$/).map((path) => parse(path, readFileSync(join(root, path), 'utf8')));
}

/** The files under `folders` whose path fits, relative to `root`, sorted. */
export function filesIn(root: string, folders: readonly string[], fits: RegExp): string[] {
  const found: string[] = [];
  const walk = (path: string): void => {
    if (/(^|[\\/])(node_modules|dist|\.git)$/.test(path)) return;
    if (statSync(path).isDirectory()) for (const name of readdirSync(path)) walk(join(path, name));
    else if (fits.test(path)) found.push(relative(root, path).split(sep).join('/'));
  };
  for (const folder of folders) walk(join(root, folder));
  return found.toSorted();
}

/** Parses one file's text. */
export function parse(path: string, text: string): SourceFile {
  const tree = createSourceFile(path, text, ScriptTarget.Latest, true);
  const imports: Found[] = [];
  const starExports: Found[] = [];
  const impurities: Found[] = [];
  const longFunctions: Found[] = [];
  const lineOf = (at: number): number => tree.getLineAndCharacterOfPosition(at).line + 1;
  const visit = (node: Node): void => {
    const line = lineOf(node.getStart(tree));
    const length = lineOf(node.end) - line + 1;
    if (isFunctionLike(node) && length > MAX_FUNCTION_LINES) longFunctions.push({ what: `${length} lines`, line });
    const specifier = specifierOf(node);
    if (specifier !== undefined) imports.push({ what: specifier, line });
    if (isExportDeclaration(node) && node.exportClause === undefined) starExports.push({ what: 'export *', line });
    const impurity = impurityOf(node, tree);
    if (impurity !== undefined) impurities.push({ what: impurity, line });
    forEachChild(node, visit);
  };
  visit(tree);
  return { path, lines: text.split('\n').length - 1, imports, starExports, impurities, longFunctions };
}

function specifierOf(node: Node): string | undefined {
  if (isImportDeclaration(node) || isExportDeclaration(node)) return node.moduleSpecifier && textOf(node.moduleSpecifier);
  if (isImportTypeNode(node)) return isLiteralTypeNode(node.argument) ? textOf(node.argument.literal) : COMPUTED;
  if (isCallExpression(node) && node.expression.kind === SyntaxKind.ImportKeyword) return textOf(node.arguments[0]);
  return undefined;
}

function textOf(node: Node | undefined): string {
  return node && isStringLiteral(node) ? node.text : COMPUTED;
}

function impurityOf(node: Node, tree: SyntaxTree): string | undefined {
  if (isDecorator(node)) return 'a decorator';
  if (isPropertyAccessExpression(node)) {
    const name = node.getText(tree);
    return IMPURE_CALLS.has(name) ? name : undefined;
  }
  if (isNewExpression(node) && node.expression.getText(tree) === 'Date' && !node.arguments?.length) return 'new Date() without a time';
  if (isCallExpression(node) && node.expression.getText(tree) === 'Date') return 'Date()';
  if (isIdentifier(node) && IMPURE_GLOBALS.has(node.text) && !isName(node)) return node.text;
  return undefined;
}

/** True where the identifier names a member or a declaration (`port.process`, `{ fetch: … }`) and so is not the global. */
function isName(node: Node): boolean {
  const { parent } = node as { parent: { name?: Node; propertyName?: Node } };
  return parent.name === node || parent.propertyName === node;
}
