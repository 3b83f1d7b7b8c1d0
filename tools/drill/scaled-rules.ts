import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const RULES = fileURLToPath(new URL('../../deploy/prometheus/rules', import.meta.url));
const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** A rate needs at least two scrapes, one a second. */
const MIN_WINDOW_MS = 3_000;

/** The text of a rule file with every `for` and every window divided by `scale`. At 1 nothing is changed. */
export function scaledRules(text: string, scale: number): string {
  if (scale === 1) return text;
  const shorter = (number: string, unit: string): number => Math.round((Number(number) * UNIT_MS[unit]!) / scale);
  return text
    .replaceAll(/^( +for: )(\d+)([smhd])$/gm, (_, key: string, number: string, unit: string) => `${key}${shorter(number, unit)}ms`)
    .replaceAll(/\[(\d+)([smhd])\]/g, (_, number: string, unit: string) => `[${Math.max(MIN_WINDOW_MS, shorter(number, unit))}ms]`);
}

/** Writes the shipped rules, scaled, into a new folder. `remove` takes it away. */
export function writeScaledRules(scale: number): { readonly files: readonly string[]; readonly remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'inferometer-rules-'));
  const files = readdirSync(RULES).map((name) => {
    const file = join(folder, name);
    writeFileSync(file, scaledRules(readFileSync(join(RULES, name), 'utf8'), scale));
    return file;
  });
  return { files, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
