/** Why there is no answer. */
export type HttpFailure =
  'unknown_name' | 'refuses_connections' | 'no_route' | 'silent' | 'bad_certificate' | 'no_tls' | 'no_http' | 'broken';

/** What came of one GET. */
export type HttpLook =
  | {
      readonly ok: true;
      readonly status: number;
      /** The JSON of the body; undefined for anything else. */
      readonly json: unknown;
      readonly tookMs: number;
      /** The other side's clock, to a second, less ours, where it tells. */
      readonly aheadMs: number | undefined;
    }
  | {
      readonly ok: false;
      readonly cause: HttpFailure;
      /** A code of the system, of TLS or of HTTP; may be empty. */
      readonly detail: string;
    };

const SAID: Readonly<Record<HttpFailure, string>> = {
  unknown_name: 'the name cannot be resolved',
  refuses_connections: 'refuses connections: nothing listens there',
  no_route: 'cannot be reached: no route to that network',
  silent: 'does not answer in time',
  bad_certificate: 'its certificate is not trusted',
  no_tls: 'speaks no TLS there',
  no_http: 'speaks no HTTP there',
  broken: 'takes the connection and breaks it',
};

/** Certificates by what is wrong with them. */
const CERTIFICATES: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet, by the clock of this machine',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host',
};

export function failureSaid({ cause, detail }: Extract<HttpLook, { ok: false }>): string {
  return `${CERTIFICATES[detail] ?? SAID[cause]}${detail === '' ? '' : ` (${detail})`}`;
}

/** What to do; `setting` names the address. */
export function failureMend({ cause, detail }: Extract<HttpLook, { ok: false }>, setting: string): string {
  switch (cause) {
    case 'unknown_name':
      return `mend the name in ${setting}, or the DNS of this machine`;
    case 'bad_certificate':
      if (detail === 'CERT_HAS_EXPIRED') return 'renew it, or mend the clock of this machine';
      if (detail === 'CERT_NOT_YET_VALID') return 'mend the clock of this machine';
      if (detail === 'ERR_TLS_CERT_ALTNAME_INVALID') return `let ${setting} name the host as the certificate does`;
      return 'let NODE_EXTRA_CA_CERTS name a file with the certificate of who signed it';
    case 'no_tls':
      return `let ${setting} begin with http:// or mend its port`;
    case 'no_http':
    case 'broken':
      return `let ${setting} begin with https:// if TLS is spoken there, or mend its port`;
    default:
      return `start it, or mend ${setting} or the firewall between`;
  }
}
