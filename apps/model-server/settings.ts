import { serverSettings, type ServerSettings, type SettingsReader } from '#libs/runtime';
import type { Pace } from './core/plan.js';

export interface ModelServerSettings extends ServerSettings, Pace {
  /** At least one; the first answers requests that name none. */
  readonly modelNames: readonly string[];
  /** Decides every text, length and delay, together with the request. */
  readonly seed: number;
  /** Requests that run at full speed together; with more, everything slows down in proportion. 0: no limit. */
  readonly capacity: number;
}

const MAX_NAME = 256;

export function modelServerSettings(read: SettingsReader): ModelServerSettings {
  const modelNames = read.list('MODEL_NAMES', 'models served, separated by commas; demo-7b if none is given');
  if (new Set(modelNames).size < modelNames.length) read.refuse('MODEL_NAMES', 'a name is given twice', undefined);
  if (modelNames.some((name) => name.length > MAX_NAME))
    read.refuse('MODEL_NAMES', `a name has more than ${MAX_NAME} characters`, undefined);
  return read.finish({
    ...serverSettings(read, 8001),
    modelNames: modelNames.length > 0 ? modelNames : ['demo-7b'],
    ttftMs: read.number('TTFT_MS', 300, { min: 0, max: 3_600_000 }, 'mean time to the first token, in ms'),
    tokensPerSecond: read.number('TOKENS_PER_SECOND', 25, { min: 0.001, max: 1e9 }, 'mean pace of each answer'),
    jitter: read.number('JITTER', 0.2, { min: 0, max: 1 }, 'share by which each delay varies, 0 to 1'),
    seed: read.integer('SEED', 1, { min: 0, max: 4_294_967_295 }, 'the same seed and request give the same answer'),
    capacity: read.integer('CAPACITY', 0, { min: 0, max: 1_000_000 }, 'requests running at full speed; more slow down; 0 for no limit'),
  });
}
