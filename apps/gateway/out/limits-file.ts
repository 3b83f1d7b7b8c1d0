import { readFileSync } from 'node:fs';

/** The text of the file, or undefined if it cannot be read. Short, and read only when the operator asks for it. */
export function readLimitsFile(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
