import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { FileFacts } from '../../core/doctor/settings-findings.js';
import { counted } from '../../core/doctor/amounts.js';

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Looks at a file of certificates to trust. Blocks for a moment. Never throws. */
export function lookAtCertificates(setting: string, path: string, nowMs: number): FileFacts {
  try {
    const found = readFileSync(path, 'utf8').match(BLOCK) ?? [];
    if (found.length === 0) return { setting, path, contents: undefined, problem: 'it holds no certificate in PEM' };
    const old = found.filter((block) => Date.parse(new X509Certificate(block).validTo) < nowMs);
    const contents = counted(found.length, 'certificate');
    if (old.length === 0) return { setting, path, contents };
    return { setting, path, contents, problem: `${old.length} of ${contents} expired`, mend: 'put the new ones in' };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const problem = code?.startsWith('ERR_') ? 'a certificate in it is broken' : `it cannot be read (${code ?? 'unknown'})`;
    return { setting, path, contents: undefined, problem };
  }
}
