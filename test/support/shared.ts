import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The repository's root, with a trailing slash. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** The absolute path of a file of the shared facts, or undefined (with a loud line) where this machine does not have them. */
export function sharedFile(path: string): string | undefined {
  const file = fileURLToPath(new URL(`../../../shared/data/${path}`, import.meta.url));
  if (existsSync(file)) return file;
  console.warn(`SKIPPED: ${path} is not on this machine; the tests that need it are skipped`);
  return undefined;
}
