import { UnauthorizedException } from '@nestjs/common';
import { hasBearerToken } from '#libs/runtime';
import { ADMIN_CLOSED } from '../core/errors.js';
import { Refusal } from './refusal.js';

/** Guards what changes the gateway. Unlike pages that only show something, it is shut where no token is set. */
export class AdminToken {
  constructor(private readonly token: string | undefined) {}

  /** Throws what the caller is answered, unless `authorization` carries the token. */
  check(authorization: string | undefined): void {
    if (this.token === undefined) throw new Refusal(ADMIN_CLOSED);
    if (!hasBearerToken(authorization, this.token)) throw new UnauthorizedException();
  }
}
