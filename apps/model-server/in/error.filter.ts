import { Catch, HttpException, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { ENGINE_DEAD } from '../core/api-error.js';
import { sendError } from './send-error.js';

/** Unknown routes and broken requests, answered as vLLM's web framework does: `{"detail": "…"}`. */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  private readonly logger = new Logger(ErrorFilter.name);

  catch(error: unknown, host: ArgumentsHost): void {
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    if (!(error instanceof HttpException)) this.logger.error(error);
    if (reply.sent) reply.raw.destroy();
    else if (!(error instanceof HttpException)) sendError(reply, ENGINE_DEAD);
    else sendError(reply, { status: error.getStatus(), body: { detail: error.getStatus() === 404 ? 'Not Found' : error.message } });
  }
}
