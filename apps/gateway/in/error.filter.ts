import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { errorBody, INTERNAL, notFound, refusedBody, UNAUTHORIZED, type GatewayError } from '../core/errors.js';
import { operationOf } from '../core/operations.js';
import { Inference } from './inference.js';

/** Every error that no route has answered itself, in the shape that clients of the OpenAI API expect. */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  constructor(private readonly inference: Inference) {}

  catch(exception: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    // A client that left while it was still sending its body has asked for nothing.
    if (reply.sent || request.raw.socket.destroyed) return;
    const status = exception instanceof HttpException ? exception.getStatus() : 500;
    const path = pathOf(request.url);
    const operation = operationOf(request.method, path);
    if (operation) return this.inference.handleRefused(operation, request, reply, status);
    const error = errorOf(status, request.method, path);
    void reply.status(error.status).header('content-type', 'application/json; charset=utf-8').send(errorBody(error));
  }
}

function errorOf(status: number, method: string, path: string): GatewayError {
  if (status === 401) return UNAUTHORIZED;
  if (status === 404) return notFound(method, path);
  return status < 500 ? refusedBody(status) : INTERNAL;
}

function pathOf(target: string): string {
  return target.split('?', 1)[0]!;
}
