import { Agent, request } from 'undici';
import type { WindowName } from '#libs/contracts';
import { readAnswer, type Answer } from '../core/answer.js';
import { problemOf } from '../core/problem.js';

const CONNECT_TIMEOUT_MS = 3_000;
const TOTAL_TIMEOUT_MS = 5_000;
/** A document of the largest fleet is some hundred kilobytes. */
const MAX_BYTES = 8_388_608;

/** Asks one server for its metrics document. Redirects are not followed: the token stays with the server that it is for. */
export class MetricsClient {
  private readonly agent = new Agent({
    connections: 1,
    connect: { timeout: CONNECT_TIMEOUT_MS },
    headersTimeout: TOTAL_TIMEOUT_MS,
    bodyTimeout: TOTAL_TIMEOUT_MS,
    maxResponseSize: MAX_BYTES,
  });
  private readonly address: string;
  private readonly headers: Readonly<Record<string, string>>;

  constructor(url: string, window: WindowName, apiToken: string | undefined) {
    this.address = `${url}/api/v1/metrics?window=${window}`;
    this.headers = { accept: 'application/json', ...(apiToken === undefined ? {} : { authorization: `Bearer ${apiToken}` }) };
  }

  /** Never throws; an answer comes within 5 s, or at once when `signal` is aborted. */
  async fetch(signal: AbortSignal): Promise<Answer> {
    try {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(TOTAL_TIMEOUT_MS)]);
      const { statusCode, body } = await request(this.address, { dispatcher: this.agent, headers: this.headers, signal: limit });
      return readAnswer(statusCode, await body.text());
    } catch (error) {
      return { ok: false, problem: problemOf(codeOf(error)) };
    }
  }

  async close(): Promise<void> {
    await this.agent.destroy();
  }
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
