import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { makeCertificate } from '../../../../test/support/certificate.js';
import { lookAtCertificates } from './certificates.js';

const DAY_MS = 86_400_000;

it('counts certificates, and says which have expired', () => {
  const folder = mkdtempSync(join(tmpdir(), 'doctor-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const { key, cert: pem } = makeCertificate(folder, '-subj', '/CN=x');
  const look = (nowMs: number) => lookAtCertificates('CA', pem, nowMs);
  expect(look(Date.now())).toEqual({ setting: 'CA', path: pem, contents: '1 certificate' });
  expect(look(Date.now() + 3 * DAY_MS)).toMatchObject({ contents: '1 certificate', problem: '1 of 1 certificate expired' });
  expect(lookAtCertificates('CA', key, Date.now())).toMatchObject({ contents: undefined, problem: 'it holds no certificate in PEM' });
});
