import { readFileSync } from 'node:fs';
import type { AdmissionLimits } from '../gateway/core/admission.js';
import { parseJsonObject } from '../gateway/core/json.js';
import { parseKeyFile } from '../gateway/core/key-file.js';
import { changedLimits } from '../gateway/core/limits.js';
import { readLimitsFile } from '../gateway/out/limits-file.js';
import type { GatewaySettings } from '../gateway/settings.js';
import { readerOf } from '../gpu-probe/in/reader-of.js';
import type { GpuProbeSettings } from '../gpu-probe/settings.js';
import { counted } from './core/doctor/amounts.js';
import type { GpuFacts } from './core/doctor/gpu-finding.js';
import type { FileFacts } from './core/doctor/settings-findings.js';

/** Any limits will do to see whether a file can change them. */
const SOME_LIMITS: AdmissionLimits = {
  maxConcurrent: 1,
  maxQueue: 1,
  maxConcurrentPerTenant: undefined,
  maxQueuePerTenant: undefined,
};
/** Shorter than the look at it may take. */
const GPU_TIMEOUT_MS = 4_000;

/** The files that the gateway's settings name, read as the gateway reads them. Blocks for a moment. Never throws. */
export function lookAtGatewayFiles({ limitsFile, apiKeysFile }: GatewaySettings): readonly FileFacts[] {
  return [...(limitsFile === undefined ? [] : [limitsIn(limitsFile)]), ...(apiKeysFile === undefined ? [] : [keysIn(apiKeysFile)])];
}

function limitsIn(path: string): FileFacts {
  const setting = 'LIMITS_FILE';
  const text = readLimitsFile(path);
  if (text === undefined) return { setting, path, contents: undefined, problem: 'it cannot be read' };
  const changed = changedLimits(SOME_LIMITS, parseJsonObject(text));
  return changed.ok ? { setting, path, contents: 'limits that fit' } : { setting, path, contents: undefined, problem: changed.problem };
}

function keysIn(path: string): FileFacts {
  const [setting, mend] = ['GATEWAY_API_KEYS_FILE', 'npm run keys -- add NAME makes a key, and the file where it is missing'];
  try {
    const entries = parseKeyFile(readFileSync(path, 'utf8'));
    if ('faultyLine' in entries) return { setting, path, contents: undefined, problem: `line ${entries.faultyLine} is not "DIGEST NAME"` };
    if (entries.length > 0) return { setting, path, contents: counted(entries.length, 'key') };
    return { setting, path, contents: '', problem: 'it holds no key, so every request will be refused', mend };
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    return { setting, path, contents: undefined, problem: `it cannot be read (${code})`, mend };
  }
}

/** One reading, as the probe takes it. Never rejects; takes some seconds at most. */
export async function lookAtGpus(settings: GpuProbeSettings): Promise<GpuFacts> {
  const { source } = settings;
  if (source === 'none') return { source, gpus: undefined, problem: undefined };
  try {
    return { source, gpus: await readerOf(settings, { timeoutMs: GPU_TIMEOUT_MS }).read(), problem: undefined };
  } catch (error) {
    return { source, gpus: undefined, problem: error instanceof Error ? error.message : String(error) };
  }
}
