import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Finding } from '../core/doctor/finding.js';
import { doctorCommand } from './doctor-command.js';

/** Ports that are nobody's, and no look at the GPUs of this machine. */
const QUIET = { PORT: '0', AGGREGATOR_PORT: '0', GPU_PROBE_PORT: '0', MODEL_SERVER_PORT: '0', GPU_SOURCE: 'none' };

export interface Visit {
  readonly code: number;
  readonly out: string;
  readonly error: string;
  /** `verdict found` of all findings of one check. */
  of(check: string): readonly string[];
}

/** Runs the doctor on these settings, as a program would call it. */
export async function visit(env: Readonly<Record<string, string>>, args: readonly string[] = ['--json']): Promise<Visit> {
  const written = { out: '', error: '' };
  const code = await doctorCommand(
    args,
    { ...QUIET, ...env },
    {
      out: (text) => void (written.out += text),
      error: (text) => void (written.error += text),
      isColored: false,
    },
  );
  return { code, ...written, of: (check) => findingsIn(written.out, check).map(({ verdict, found }) => `${verdict} ${found}`) };
}

function findingsIn(out: string, wanted: string): readonly Finding[] {
  const { checks } = JSON.parse(out) as { checks: readonly Finding[] };
  return checks.filter(({ check }) => check === wanted);
}

/** A folder of the test's own. */
export function testFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'doctor-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Nobody listens there. */
export const NO_KAFKA = 'kafka://127.0.0.1:1';

/** Everything below a folder, with its size and time. */
export function contentsOf(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((path) => `${path} ${statSync(join(folder, path)).size} ${statSync(join(folder, path)).mtimeMs}`)
    .toSorted((a, b) => (a < b ? -1 : 1));
}

/** A server of the test's own, on a free port, which it answers. */
export async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    if ('closeAllConnections' in server) (server as unknown as { closeAllConnections(): void }).closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** Answers the address of an HTTP server. */
export async function serving(answer: RequestListener): Promise<string> {
  return `http://127.0.0.1:${await listening(createServer(answer))}`;
}

/** A model server with these models. */
export function serveModels(...names: readonly string[]): Promise<string> {
  return serving((request, response) => {
    const isAsked = request.url === '/v1/models';
    response.writeHead(isAsked || request.url === '/health' ? 200 : 404, { 'content-type': 'application/json' });
    const data = names.map((id) => ({ id, object: 'model', owned_by: 'vllm' }));
    response.end(isAsked ? JSON.stringify({ object: 'list', data }) : '');
  });
}
