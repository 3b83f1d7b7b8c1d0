import { createHash, timingSafeEqual } from 'node:crypto';

/** True if `authorization` carries `token` as a bearer token, compared in constant time; always true where no token is set. */
export function hasBearerToken(authorization: string | undefined, token: string | undefined): boolean {
  if (token === undefined) return true;
  const given = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1] ?? '';
  return timingSafeEqual(digest(given), digest(token));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
