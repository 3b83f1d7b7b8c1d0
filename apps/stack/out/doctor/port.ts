import { createServer } from 'node:net';
import type { ListenFacts } from '../../core/doctor/port-findings.js';
import { TOLD_AT } from '../../core/doctor/processes.js';
import { lookAtHttp } from './http.js';

const STATES: Readonly<Record<string, ListenFacts['state']>> = {
  EADDRINUSE: 'taken',
  EACCES: 'forbidden',
  EADDRNOTAVAIL: 'no_address',
  ENOTFOUND: 'no_address',
  EAI_AGAIN: 'no_address',
};

/** Opens the port for a moment, as the process would, and asks whoever has it what it is. Never rejects. */
export async function lookAtPort(place: Omit<ListenFacts, 'state' | 'occupant'>): Promise<ListenFacts> {
  const { app, host, port } = place;
  const state = port === 0 ? 'free' : await stateOf(host, port);
  const occupant = state === 'taken' ? await lookAtHttp(`http://${reachable(host)}:${port}${TOLD_AT[app]}`) : undefined;
  return { ...place, state, occupant };
}

function stateOf(host: string, port: number): Promise<ListenFacts['state']> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(STATES[error.code ?? ''] ?? 'no_address'));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve('free')));
  });
}

function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
