import type { FastifyReply } from 'fastify';
import type { ApiError } from '../core/api-error.js';

export function sendError(reply: FastifyReply, { status, body }: ApiError): undefined {
  void reply.code(status).header('content-type', 'application/json').send(JSON.stringify(body));
}
