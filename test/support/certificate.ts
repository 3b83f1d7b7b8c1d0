import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** Makes a key and a certificate that signs itself, good for two days, as PEM files in `folder`. `subject` is what openssl is told of whose it is. */
export function makeCertificate(folder: string, ...subject: readonly string[]): { readonly key: string; readonly cert: string } {
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const made = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', cert, ...subject];
  execFileSync('openssl', ['req', ...made], { stdio: 'ignore' });
  return { key, cert };
}
