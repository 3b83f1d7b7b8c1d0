import { describe, expect, it } from 'vitest';
import { failed } from './http-look.fixture.js';
import { failureMend, failureSaid, type HttpFailure } from './http-look.js';

describe('what keeps an answer from coming', () => {
  it.each([
    ['unknown_name', '', 'the name cannot be resolved', /mend the name in URL, or the DNS/],
    ['refuses_connections', 'ECONNREFUSED', 'refuses connections: nothing listens there (ECONNREFUSED)', /start it, or mend URL/],
    ['no_route', '', 'cannot be reached: no route to that network', /start it, or mend URL/],
    ['silent', '', 'does not answer in time', /start it, or mend URL/],
    ['bad_certificate', 'DEPTH_ZERO', 'its certificate is not trusted (DEPTH_ZERO)', /NODE_EXTRA_CA_CERTS/],
    ['bad_certificate', 'CERT_HAS_EXPIRED', 'its certificate has expired (CERT_HAS_EXPIRED)', /renew it/],
    ['bad_certificate', 'CERT_NOT_YET_VALID', 'its certificate is not valid yet', /mend the clock/],
    ['bad_certificate', 'ERR_TLS_CERT_ALTNAME_INVALID', 'its certificate is for another host', /as the certificate does/],
    ['no_tls', '', 'speaks no TLS there', /begin with http:/],
    ['no_http', '', 'speaks no HTTP there', /begin with https:/],
    ['broken', '', 'takes the connection and breaks it', /begin with https:/],
  ] as [HttpFailure, string, string, RegExp][])('%s %s', (cause, detail, said, mend) => {
    expect(failureSaid(failed(cause, detail))).toContain(said);
    expect(failureMend(failed(cause, detail), 'URL')).toMatch(mend);
  });
});
