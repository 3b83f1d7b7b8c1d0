import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { lookAtCertificates } from './certificates.js';

const DAY_MS = 86_400_000;

it('counts certificates, and says which have expired', () => {
  const folder = mkdtempSync(join(tmpdir(), 'doctor-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const [key, pem] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const made = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=x', '-keyout', key, '-out', pem];
  execFileSync('openssl', ['req', ...made], { stdio: 'ignore' });
  const look = (nowMs: number) => lookAtCertificates('CA', pem, nowMs);
  expect(look(Date.now())).toEqual({ setting: 'CA', path: pem, contents: '1 certificate' });
  expect(look(Date.now() + 3 * DAY_MS)).toMatchObject({ contents: '1 certificate', problem: '1 of 1 certificate expired' });
  expect(lookAtCertificates('CA', key, Date.now())).toMatchObject({ contents: undefined, problem: 'it holds no certificate in PEM' });
});
