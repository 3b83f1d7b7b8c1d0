import { SettingsError, SettingsReader, type Environment } from '#libs/runtime';
import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import { gpuProbeSettings } from './settings.js';

function read(env: Environment) {
  return gpuProbeSettings(new SettingsReader(env));
}

function problemsOf(env: Environment): Record<string, string> {
  try {
    read(env);
  } catch (error) {
    if (error instanceof SettingsError) return Object.fromEntries(error.problems.map(({ name, message }) => [name, message]));
    throw error;
  }
  return {};
}

describe('gpuProbeSettings', () => {
  it('has the defaults that are written down', () => {
    expect(read({})).toMatchObject({ port: 9101, source: 'auto', intervalMs: 1000, probeId: hostname(), simulatedMemoryPercent: 76 });
  });

  it.each(['auto', 'nvidia-smi', 'simulated', 'none'])('takes %s as a source', (source) => {
    expect(read({ GPU_SOURCE: source }).source).toBe(source);
  });

  it.each(['nvml', 'rocm'])('says that %s is not built in yet', (source) => {
    expect(problemsOf({ GPU_SOURCE: source })).toEqual({
      GPU_SOURCE: `"${source}" is not built in yet; use auto, nvidia-smi, simulated or none`,
    });
  });

  it('reports all mistakes together', () => {
    expect(
      problemsOf({ GPU_SOURCE: 'cuda', GPU_INTERVAL_MS: '1', GPU_SIMULATED_MEMORY: '101', PROBE_ID: 'a/b', EVENT_LOG_URL: 'nowhere' }),
    ).toEqual({
      GPU_SOURCE: '"cuda" is not one of auto, nvml, nvidia-smi, rocm, simulated, none',
      GPU_INTERVAL_MS: '"1" is not a whole number from 100 to 3600000',
      GPU_SIMULATED_MEMORY: '"101" is not a number from 0 to 100',
      PROBE_ID: 'must have 1 to 128 characters, and no slash',
      EVENT_LOG_URL: expect.any(String) as string,
    });
  });
});
