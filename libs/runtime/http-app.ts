import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { NestFactory } from '@nestjs/core';
import type { DynamicModule } from '@nestjs/common';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { answerExpectations, brokenRequestOptions, refuseHostless, type ErrorBody } from './broken-requests.js';
import type { Logger } from './logger.js';
import { StartError } from './settings.js';

export interface HttpAppOptions {
  readonly module: DynamicModule;
  readonly host: string;
  readonly port: number;
  readonly logger: Logger;
  /** Largest request body, in bytes. */
  readonly maxBodyBytes?: number;
  /** Fastify's own where undefined. */
  readonly errorBody?: ErrorBody;
}

const DEFAULT_MAX_BODY_BYTES = 1_048_576;

/** How long a request may take to come in, head and body: Node's own limit, which Fastify would switch off. */
const UPLOAD_LIMIT_MS = 300_000;

/** An application that listens, and the address under which it can be reached from this machine. */
export interface HttpApp {
  readonly nest: NestFastifyApplication;
  readonly url: string;
}

/** Starts a Nest application on Fastify whose request bodies are raw Buffers. Rejects with StartError if the address cannot be bound. */
export async function startHttpApp(options: HttpAppOptions): Promise<HttpApp> {
  const bodyLimit = options.maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES;
  const adapter = new FastifyAdapter({
    bodyLimit,
    forceCloseConnections: 'idle',
    requestTimeout: UPLOAD_LIMIT_MS,
    exposeHeadRoutes: true,
    ...(options.errorBody && brokenRequestOptions(options.errorBody)),
  });
  const nest = await NestFactory.create<NestFastifyApplication>(options.module, adapter, {
    bodyParser: false,
    logger: options.logger,
    abortOnError: false,
  });
  const fastify = adapter.getInstance();
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  const { errorBody } = options;
  if (errorBody) {
    fastify.addHook('onRequest', (request, reply, done) => {
      if (!refuseHostless(request.raw, reply.raw, errorBody)) done();
      else reply.hijack();
    });
  }
  answerExpectations(fastify.server, bodyLimit, options.errorBody);
  const sweepIdleConnections = idleConnectionSweep(fastify.server);
  fastify.addHook('preClose', (done) => {
    sweepIdleConnections();
    done();
  });
  try {
    await nest.init();
    // Not `nest.listen`: it logs a failure that is reported here.
    await fastify.listen({ port: options.port, host: options.host });
  } catch (error) {
    await nest.close();
    throw bindFailure(error, options);
  }
  return { nest, url: urlOf(options.host, nest) };
}

/**
 * Answers a function that ends the connections on which nothing happens any more, until the server has stopped: those that answer a
 * last request now, and those that a client opened in advance and never used. Either would hold the stop up for as long as it is kept alive.
 */
function idleConnectionSweep(server: Server): () => void {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return () => {
    const sweep = setInterval(() => {
      server.closeIdleConnections();
      for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
    }, 20);
    server.once('close', () => clearInterval(sweep));
  };
}

function urlOf(host: string, nest: NestFastifyApplication): string {
  const address = nest.getHttpServer().address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}

function bindFailure(error: unknown, { host, port }: HttpAppOptions): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE') return new StartError(`port ${port} on ${host} is already in use; choose another one`);
  if (code === 'EACCES') return new StartError(`port ${port} on ${host} may not be opened by this user`);
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return new StartError(`HOST ${host} is not an address of this machine`);
  return error;
}
