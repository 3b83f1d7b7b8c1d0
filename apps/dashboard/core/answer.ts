import type { MetricsDocument } from '#libs/contracts';
import type { Problem } from './problem.js';

/** The document, with the text that it came in, or why there is none. */
export type Answer =
  { readonly ok: true; readonly document: MetricsDocument; readonly text: string } | { readonly ok: false; readonly problem: Problem };

type FieldType = 'number' | 'string' | 'boolean' | 'array';
type Fields = Readonly<Record<string, FieldType>>;

/** What the panels read; the rest of the document may come and go. */
const DOCUMENT: Fields = {
  timestamp: 'string',
  status: 'string',
  'window.name': 'string',
  'requests.waiting': 'number',
  'requests.running': 'number',
  'requests.max_concurrent': 'number',
  'requests.total': 'number',
  'slo.ttft.mean': 'number',
  'slo.ttft.p50': 'number',
  'slo.ttft.p95': 'number',
  'slo.ttft.p99': 'number',
  'slo.throughput.decoding_mean': 'number',
  'slo.throughput.decoding_p50': 'number',
  'slo.throughput.total': 'number',
  'slo.sample_size': 'number',
  'slo.targets': 'array',
  'gpu.name': 'string',
  'gpu.allocated_gb': 'number',
  'gpu.total_gb': 'number',
  'gpu.utilization_percent': 'number',
  gpus: 'array',
  alerts: 'array',
  'data_quality.lag_seconds': 'number',
  'data_quality.gpu_reading_age_seconds': 'number',
};
const GPU: Fields = {
  host: 'string',
  index: 'number',
  name: 'string',
  allocated_gb: 'number',
  total_gb: 'number',
  utilization_percent: 'number',
};
const ALERT: Fields = { name: 'string', level: 'string', message: 'string', state: 'string', since: 'string' };
const TARGET: Fields = { name: 'string', met: 'boolean' };

/** Judges what the server said. Never throws. */
export function readAnswer(status: number, text: string): Answer {
  if (status !== 200) return { ok: false, problem: { kind: 'status', status } };
  const value = parse(text);
  if (typeof value !== 'object' || value === null) return { ok: false, problem: { kind: 'not_json' } };
  const path = faultIn(value);
  if (path !== undefined) return { ok: false, problem: { kind: 'bad_field', path } };
  return { ok: true, document: value as MetricsDocument, text };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The path of the first field that is missing or of another type. */
function faultIn(value: object): string | undefined {
  const fault = missing(value, DOCUMENT, '');
  if (fault !== undefined) return fault;
  const { slo, gpus, alerts } = value as { slo: { targets: unknown[] }; gpus: unknown[]; alerts: unknown[] };
  return missingInList(slo.targets, TARGET, 'slo.targets') ?? missingInList(gpus, GPU, 'gpus') ?? missingInList(alerts, ALERT, 'alerts');
}

function missingInList(list: readonly unknown[], fields: Fields, path: string): string | undefined {
  for (const [index, item] of list.entries()) {
    const fault = missing(item, fields, `${path}[${index}].`);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function missing(value: unknown, fields: Fields, prefix: string): string | undefined {
  const bad = Object.entries(fields).find(([path, type]) => !isOfType(valueAt(value, path), type));
  return bad && prefix + bad[0];
}

function valueAt(value: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((inner, key) => (inner as Record<string, unknown> | null | undefined)?.[key], value);
}

function isOfType(value: unknown, type: FieldType): boolean {
  if (type === 'array') return Array.isArray(value);
  if (type === 'number') return Number.isFinite(value);
  return typeof value === type;
}
