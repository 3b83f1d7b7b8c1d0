import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createSourceFile, isExportDeclaration, isImportDeclaration, isStringLiteral, ScriptTarget, type Statement } from 'typescript';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');

/** The files and packages that are loaded with `entry`: what is imported for its types alone is not. */
function loadedWith(entry: string): ReadonlySet<string> {
  const loaded = new Set<string>();
  const visit = (path: string): void => {
    if (loaded.has(path)) return;
    loaded.add(path);
    if (!existsSync(join(root, path))) return;
    const { statements } = createSourceFile(path, readFileSync(join(root, path), 'utf8'), ScriptTarget.Latest);
    for (const specifier of statements.flatMap(specifierOf)) visit(targetOf(path, specifier));
  };
  visit(entry);
  return loaded;
}

function specifierOf(statement: Statement): string[] {
  if (!isImportDeclaration(statement) && !isExportDeclaration(statement)) return [];
  const { moduleSpecifier } = statement;
  return moduleSpecifier && isStringLiteral(moduleSpecifier) && !isForTypes(statement) ? [moduleSpecifier.text] : [];
}

function isForTypes(statement: Statement): boolean {
  if (isExportDeclaration(statement)) return statement.isTypeOnly;
  if (!isImportDeclaration(statement) || !statement.importClause) return false;
  const { isTypeOnly, name, namedBindings } = statement.importClause;
  if (isTypeOnly) return true;
  if (name || !namedBindings || !('elements' in namedBindings)) return false;
  return namedBindings.elements.length > 0 && namedBindings.elements.every((element) => 'isTypeOnly' in element && element.isTypeOnly);
}

function targetOf(path: string, specifier: string): string {
  if (specifier.startsWith('#libs/')) return `libs/${specifier.slice('#libs/'.length)}/index.ts`;
  return specifier.startsWith('.') ? join(dirname(path), specifier).replace(/\.js$/, '.ts') : specifier;
}

describe('a process that only writes events', () => {
  it.each(['apps/gateway/main.ts', 'apps/gpu-probe/main.ts'])('does without what reads them: %s', (entry) => {
    const loaded = loadedWith(entry);
    expect(loaded).toContain('libs/contracts/event-source.ts');
    expect([...loaded].filter((name) => /^typebox|contracts\/(codec|events)\.ts$/.test(name))).toEqual([]);
  });

  it('as opposed to one that reads them', () => {
    expect(loadedWith('apps/aggregator/main.ts')).toContain('typebox/compile');
  });
});
