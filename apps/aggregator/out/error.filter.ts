import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { Logger } from '#libs/runtime';
import type { FastifyReply } from 'fastify';
import { errorBody } from './error-body.js';

/** Every error in the shape of OpenAI's. What is not meant for the client is logged, and answered as 500 without details. */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  constructor(private readonly logger: Logger) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    if (!(error instanceof HttpException)) {
      this.logger.error(error);
      void reply.status(500).send(errorBody(500, 'internal error', 'internal'));
      return;
    }
    const status = error.getStatus();
    const body = error.getResponse();
    const isOurs = typeof body === 'object' && ('status' in body || ('error' in body && typeof body.error === 'object'));
    void reply.status(status).send(isOurs ? body : errorBody(status, error.message, status === 404 ? 'not_found' : 'invalid_request'));
  }
}
