import { badRequest, type Checked } from './api-error.js';
import { given, refuse, type Fields } from './body.js';
import { Random } from './random.js';

/**
 * What can go wrong on demand.
 * `refuse`: the connection is reset before any answer. `hang`: silence, before the head or after `after_chunks` frames. `reset`: the
 * connection is reset in mid-answer. `truncate`: the answer ends early, as if complete. `garbage`: an answer that is not what it says it
 * is. `slow`: every delay times `factor`. `500`, `429`: vLLM's error bodies. `no_usage`: no token counts. `error_frame`: an error event,
 * then a clean end, as vLLM does when its engine dies.
 */
export const FAULTS = ['none', 'refuse', 'hang', 'reset', 'truncate', 'garbage', 'slow', '500', '429', 'no_usage', 'error_frame'] as const;
export type FaultName = (typeof FAULTS)[number];

/** A fault that strikes one request. */
export interface Fault {
  readonly fault: FaultName;
  /** Frames of a stream that come out before it strikes. */
  readonly afterChunks?: number;
  /** How many times slower `slow` is. */
  readonly factor: number;
}

/** Which requests a fault strikes. */
export interface FaultRule extends Fault {
  readonly ratio: number;
  /** Strikes at most this often, then no more. */
  readonly count?: number;
  readonly model?: string;
}

export const NO_FAULT: FaultRule = { fault: 'none', ratio: 1, factor: 1 };
const DEFAULT_SLOW_FACTOR = 10;
const KNOWN = ['fault', 'ratio', 'count', 'model', 'after_chunks', 'factor'];

/** Checks the body of `PUT /faults`. */
export function faultRule(fields: Fields, models: readonly string[]): Checked<FaultRule> {
  const unknown = Object.keys(fields).find((name) => !KNOWN.includes(name));
  if (unknown !== undefined) return refuse(badRequest(`Unknown field; allowed: ${KNOWN.join(', ')}.`, unknown));
  const fault = FAULTS.find((name) => name === String(fields['fault']));
  if (!fault) return refuse(badRequest(`fault must be one of ${FAULTS.join(', ')}.`, 'fault'));
  const wrong =
    outside(fields, 'ratio', 0, 1, false) ??
    outside(fields, 'count', 1, 1e9, true) ??
    outside(fields, 'after_chunks', 0, 1e9, true) ??
    outside(fields, 'factor', 1, 1e6, false);
  if (wrong !== undefined) return refuse(badRequest(wrong.message, wrong.name));
  const model = given(fields, 'model');
  if (model !== undefined && !models.some((name) => name === model)) {
    return refuse(badRequest(`model must be one of ${models.join(', ')}.`, 'model'));
  }
  return { ok: true, value: ruleOf(fault, fields) };
}

/** Reads a request's own fault: a name, then settings, as in `reset;after_chunks=3`. */
export function faultOfText(text: string): Checked<Fault> {
  const [name, ...settings] = text.split(';').map((part) => part.trim());
  const pairs = settings.map((setting) => setting.split('=').map((part) => part.trim()));
  const fields = Object.fromEntries(pairs.map(([key, value]) => [key, Number(value)]));
  return faultRule({ fault: name, ...fields }, []);
}

function ruleOf(fault: FaultName, fields: Fields): FaultRule {
  const count = given(fields, 'count') as number | undefined;
  const afterChunks = given(fields, 'after_chunks') as number | undefined;
  const model = given(fields, 'model') as string | undefined;
  return {
    fault,
    ratio: (given(fields, 'ratio') as number | undefined) ?? 1,
    factor: fault === 'slow' ? ((given(fields, 'factor') as number | undefined) ?? DEFAULT_SLOW_FACTOR) : 1,
    ...(count === undefined ? {} : { count }),
    ...(afterChunks === undefined ? {} : { afterChunks }),
    ...(model === undefined ? {} : { model }),
  };
}

function outside(fields: Fields, name: string, min: number, max: number, whole: boolean): { name: string; message: string } | undefined {
  const value = given(fields, name);
  if (value === undefined) return undefined;
  const fits = typeof value === 'number' && value >= min && value <= max && (!whole || Number.isInteger(value));
  return fits ? undefined : { name, message: `${name} must be a ${whole ? 'whole number' : 'number'} from ${min} to ${max}.` };
}

/** Holds the rule in force and decides which requests it strikes; the draws depend on the seed and the order of the requests only. */
export class FaultBoard {
  private rule: FaultRule = NO_FAULT;
  private random: Random;
  private struck = 0;

  constructor(private readonly seed: number) {
    this.random = new Random(seed);
  }

  /** Puts `rule` in force in place of the one before, and starts its draws and its count anew. */
  arm(rule: FaultRule): void {
    this.rule = rule;
    this.random = new Random(this.seed);
    this.struck = 0;
  }

  /** The fault that strikes the next request for `model`. */
  next(model: string): Fault {
    const { fault, ratio, count, model: only } = this.rule;
    const applies = fault !== 'none' && (only === undefined || only === model) && (count === undefined || this.struck < count);
    if (!applies || this.random.next() >= ratio) return NO_FAULT;
    this.struck += 1;
    return this.rule;
  }

  /** The rule in force in the shape of `PUT /faults`, and how often it has struck. */
  show(): object {
    const { fault, ratio, factor, count, afterChunks, model } = this.rule;
    const slow = fault === 'slow' ? { factor } : {};
    return { fault, ratio, ...slow, count, after_chunks: afterChunks, model, struck: this.struck };
  }
}
