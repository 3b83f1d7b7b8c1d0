import { readFileSync } from 'node:fs';
import { createServer as createHttps } from 'node:https';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { makeCertificate } from '../../../test/support/certificate.js';
import { listening, serveModels, testFolder, visit } from './doctor.fixture.js';

/** A certificate that signs itself. */
function certificateFor(folder: string, host: string): { readonly key: Buffer; readonly cert: Buffer } {
  const { key, cert } = makeCertificate(folder, '-subj', `/CN=${host}`);
  return { key: readFileSync(key), cert: readFileSync(cert) };
}

describe('the doctor at addresses', () => {
  it('tells those apart that do not answer', { timeout: 20_000 }, async () => {
    const hangs = await listening(createServer(() => {}));
    const breaks = await listening(createServer((socket) => void socket.end('SSH-2.0-x\r\n')));
    const plain = await serveModels('m');
    const urls = [
      'http://127.0.0.1:1',
      `http://127.0.0.1:${hangs}`,
      `http://127.0.0.1:${breaks}`,
      plain.replace('http:', 'https:'),
      'http://no-such-host.invalid',
    ];
    const found = await visit({ EVENT_LOG_URL: 'memory:', UPSTREAM_URL: urls.join(',') });
    expect(found.code).toBe(1);
    expect(found.of('upstream').map((line, at) => line.replace(urls[at]!, '…'))).toEqual([
      'fail … refuses connections: nothing listens there (ECONNREFUSED)',
      'fail … does not answer in time',
      expect.stringMatching(/^fail … speaks no HTTP there/),
      expect.stringMatching(/^fail … speaks no TLS there/),
      expect.stringMatching(/^fail … the name cannot be resolved \(E/),
    ]);
  });

  it('says what is wrong with a certificate', async () => {
    const { key, cert } = certificateFor(testFolder(), 'somewhere.else');
    const port = await listening(createHttps({ key, cert }, (_, response) => void response.end()));
    const found = await visit({ EVENT_LOG_URL: 'memory:', UPSTREAM_URL: `https://127.0.0.1:${port}` });
    expect(found.of('upstream')).toEqual([`fail https://127.0.0.1:${port} its certificate is not trusted (DEPTH_ZERO_SELF_SIGNED_CERT)`]);
  });

  it('knows the gateway at the end of a circle, and no aggregator where there is none', async () => {
    const port = Number(new URL(await serveModels('m')).port);
    const stranger = await serveModels('m');
    const found = await visit({
      EVENT_LOG_URL: 'memory:',
      PORT: String(port),
      UPSTREAM_URL: `http://localhost:${port}`,
      AGGREGATOR_URL: stranger,
    });
    expect(found.of('upstream')).toEqual([`fail http://localhost:${port} is the gateway itself: requests would go round in circles`]);
    expect(found.of('aggregator')).toEqual([`fail ${stranger} is no aggregator (it answers 200)`]);
  });

  it('says of a port who has it, and that a host is no address of this machine', async () => {
    const stranger = new URL(await serveModels('m')).port;
    const found = await visit({ EVENT_LOG_URL: 'memory:', PORT: stranger });
    expect(found.code).toBe(1);
    expect(found.of('port')[0]).toBe(`fail 127.0.0.1:${stranger} is taken by something else, so the gateway cannot start there`);
    expect((await visit({ EVENT_LOG_URL: 'memory:', HOST: '192.0.2.1', PORT: '8000', API_TOKEN: 't' })).of('port')[0]).toMatch(
      /^fail 192\.0\.2\.1 is not an address of this machine/,
    );
  });
});
