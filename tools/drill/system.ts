import type { ScrapeTarget } from '../../test/support/prometheus.js';

/** What a drill works on: a gateway in front of a simulated model server, with its telemetry. */
export interface System {
  readonly gatewayUrl: string;
  /** Where `/api/v1/…` is answered, also when the gateway is gone. */
  readonly apiUrl: string;
  readonly modelServerUrl: string;
  /** Mean time to the first token of the simulated model server, in ms. */
  readonly ttftMs: number;
  readonly token: string | undefined;
  /** What Prometheus scrapes. */
  readonly targets: readonly ScrapeTarget[];
  /** Rejects when something that it needs has ended by itself; else stays open. */
  readonly broken: Promise<never>;
  /** Leaves nothing behind. */
  close(): Promise<void>;
}

/** A system of the drill's own, whose processes it may stop. */
export interface OwnSystem extends System {
  /** Replaces the GPU probe by one whose GPU is filled to `memoryPercent`. */
  restartProbe(memoryPercent: number): Promise<void>;
  /** Ends the gateway at once (SIGKILL). */
  killGateway(): Promise<void>;
  /** Starts it again where it was. */
  startGateway(): Promise<void>;
}

/** The answer of `GET url` as JSON. Rejects for anything but a 2xx, and after 10 s. */
export async function getJson<T>(url: string, token?: string): Promise<T> {
  return (await call(url, 'GET', undefined, token)) as T;
}

/** Puts a fault of the simulated model server in force; `undefined`: none. */
export async function setFault({ modelServerUrl, token }: System, fault?: object): Promise<void> {
  await call(`${modelServerUrl}/faults`, fault ? 'PUT' : 'DELETE', fault, token);
}

async function call(url: string, method: string, body?: object, token?: string): Promise<unknown> {
  const response = await fetch(url, {
    method,
    headers: { ...(token !== undefined && { authorization: `Bearer ${token}` }), ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(10_000),
  }).catch((error: unknown) => {
    throw new Error(`${url} does not answer: ${causeOf(error)}`);
  });
  if (!response.ok) throw new Error(`${url} answers ${response.status}`);
  return response.json();
}

/** What `fetch` hides behind "fetch failed". */
function causeOf(error: unknown): string {
  const { cause, message } = error as Error;
  return cause instanceof Error ? cause.message || (cause as NodeJS.ErrnoException).code || message : message;
}
