import { Agent, request } from 'undici';
import type { HttpFailure, HttpLook } from '../../core/doctor/http-look.js';

const CONNECT_TIMEOUT_MS = 3_000;
const ANSWER_TIMEOUT_MS = 4_000;
/** A list of models is some KB; what is longer is not read. */
const MAX_BODY_BYTES = 1_048_576;

/** Asks once for `url`, following no redirect. Never rejects. No more of an answer is kept than what is said of it. */
export async function lookAtHttp(url: string, headers: Readonly<Record<string, string>> = {}): Promise<HttpLook> {
  const dispatcher = new Agent({ connect: { timeout: CONNECT_TIMEOUT_MS }, maxResponseSize: MAX_BODY_BYTES });
  const startMs = performance.now();
  try {
    const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
    const { statusCode: status, headers: told, body } = await request(url, { dispatcher, signal, headers: { ...headers } });
    const tookMs = performance.now() - startMs;
    const aheadMs = aheadOf(told['date'], Date.now());
    return { ok: true, status, json: jsonIn(await body.text()), tookMs, aheadMs };
  } catch (error) {
    return failureOf(error);
  } finally {
    void dispatcher.destroy();
  }
}

/** The date is cut off to whole seconds: its middle is the best guess. */
function aheadOf(date: string | string[] | undefined, nowMs: number): number | undefined {
  const ms = typeof date === 'string' ? Date.parse(date) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms + 500 - nowMs;
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

const CAUSES: readonly [RegExp, HttpFailure][] = [
  [/^(ENOTFOUND|EAI_\w+)$/, 'unknown_name'],
  [/^ECONNREFUSED$/, 'refuses_connections'],
  [/^(EHOSTUNREACH|ENETUNREACH)$/, 'no_route'],
  [/^(UND_ERR_\w*TIMEOUT|ETIMEDOUT|TimeoutError|AbortError)$/, 'silent'],
  [/CERT|UNABLE_TO/, 'bad_certificate'],
  [/^(ERR_SSL_|EPROTO)/, 'no_tls'],
  [/^(HPE_|HTTPParserError)/, 'no_http'],
];

/** By the codes alone: messages may repeat the address. */
function failureOf(error: unknown): HttpLook {
  const code = codeOf(error);
  const cause = CAUSES.find(([codes]) => codes.test(code))?.[1] ?? 'broken';
  return { ok: false, cause, detail: /^[A-Z][A-Z\d_]+$/.test(code) ? code : '' };
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  // A name with several addresses fails with one error for each.
  if (error instanceof AggregateError) return codeOf(error.errors[0]);
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : error.name;
}
