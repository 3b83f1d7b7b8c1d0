import { Injectable, UnauthorizedException, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { hasBearerToken } from '#libs/runtime';
import type { FastifyRequest } from 'fastify';
import { errorBody } from './error-body.js';

/** The token that metrics and API routes ask for; none: they are open. */
export class ApiToken {
  constructor(readonly value: string | undefined) {}
}

/** Lets a request pass if it carries the token. */
@Injectable()
export class BearerGuard implements CanActivate {
  constructor(private readonly token: ApiToken) {}

  canActivate(context: ExecutionContext): boolean {
    const { authorization } = context.switchToHttp().getRequest<FastifyRequest>().headers;
    if (hasBearerToken(authorization, this.token.value)) return true;
    throw new UnauthorizedException(errorBody(401, 'a bearer token is needed: Authorization: Bearer <API_TOKEN>', 'unauthorized'));
  }
}
