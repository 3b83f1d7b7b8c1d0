import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { errorBody, INTERNAL, notFound, refusedBody, UNAUTHORIZED, type GatewayError } from '../core/errors.js';
import { Inference } from './inference.js';
import { Refusal } from './refusal.js';

/** Every error that no route has answered itself, in the shape that clients of the OpenAI API expect. */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  constructor(private readonly inference: Inference) {}

  catch(exception: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    if (reply.sent) return;
    const status = exception instanceof HttpException ? exception.getStatus() : 500;
    if (request.raw.socket.destroyed) return;
    const error = exception instanceof Refusal ? exception.error : this.errorOf(status, request);
    void reply.status(error.status).header('content-type', 'application/json; charset=utf-8').send(errorBody(error));
  }

  private errorOf(status: number, { method, url }: FastifyRequest): GatewayError {
    if (status === 401) return UNAUTHORIZED;
    if (status === 404) return notFound(method, pathOf(url));
    return status < 500 ? refusedBody(status, this.inference.maxBodyBytes) : INTERNAL;
  }
}

function pathOf(target: string): string {
  return target.split('?', 1)[0]!;
}
