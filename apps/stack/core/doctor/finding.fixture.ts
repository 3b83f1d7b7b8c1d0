import type { Finding } from './finding.js';

/** `verdict found → mend`, one line each. */
export function lines(findings: readonly Finding[]): readonly string[] {
  return findings.map(({ verdict, found, mend }) => `${verdict} ${found}${mend === undefined ? '' : ` → ${mend}`}`);
}
