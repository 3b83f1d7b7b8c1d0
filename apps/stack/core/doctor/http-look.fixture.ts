import type { HttpFailure, HttpLook } from './http-look.js';

export function answer(json: unknown, status = 200): HttpLook {
  return { ok: true, status, json, tookMs: 12.3, aheadMs: undefined };
}

export function failed(cause: HttpFailure, detail = ''): Extract<HttpLook, { ok: false }> {
  return { ok: false, cause, detail };
}

/** A list of models as vLLM gives it. */
export function models(...names: readonly string[]): HttpLook {
  return answer({ object: 'list', data: names.map((id) => ({ id, owned_by: 'vllm' })) });
}

/** What our processes answer. */
export const HEALTH = {
  gateway: answer({ status: 'ok', limits: {}, queue: {}, upstream: {}, event_log: { connected: true } }),
  aggregator: answer({ status: 'ok', version: '1', view_age_seconds: 0, rollups_rejected: 0 }),
  'gpu-probe': answer({ status: 'ok', gpus: 0, reading_age_seconds: null, event_log: { connected: true } }),
  'model-server': answer({ data: [{ id: 'demo-7b', owned_by: 'inferometer' }] }),
};
