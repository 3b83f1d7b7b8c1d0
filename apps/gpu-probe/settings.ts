import { hostname } from 'node:os';
import { eventLogSettings, serverSettings, type EventLogSettings, type ServerSettings, type SettingsReader } from '#libs/runtime';

/** Where readings come from. `auto` takes what it finds, `none` reads nothing. */
export type GpuSource = 'auto' | 'nvidia-smi' | 'simulated' | 'none';

export interface GpuProbeSettings extends ServerSettings {
  readonly eventLog: EventLogSettings;
  readonly source: GpuSource;
  /** Between two readings. */
  readonly intervalMs: number;
  /** The probe's name in events and the `host` of its readings. */
  readonly probeId: string;
  /** Mean memory use of the GPU that `simulated` shows, 0 to 100. */
  readonly simulatedMemoryPercent: number;
}

const SOURCES = ['auto', 'nvml', 'nvidia-smi', 'rocm', 'simulated', 'none'] as const;

/** Every setting of the GPU probe. Reports all mistakes together; see SettingsReader. */
export function gpuProbeSettings(read: SettingsReader): GpuProbeSettings {
  return read.finish({
    ...serverSettings(read, 9101),
    eventLog: eventLogSettings(read),
    source: source(read),
    intervalMs: read.integer('GPU_INTERVAL_MS', 1_000, { min: 100, max: 3_600_000 }, 'time between two readings, in ms'),
    probeId: identifier(read),
    simulatedMemoryPercent: read.number(
      'GPU_SIMULATED_MEMORY',
      76,
      { min: 0, max: 100 },
      'mean memory use of the simulated GPU, in percent',
    ),
  });
}

function source(read: SettingsReader): GpuSource {
  const named = read.oneOf('GPU_SOURCE', SOURCES, 'auto', 'where GPU readings come from');
  if (named !== 'nvml' && named !== 'rocm') return named;
  return read.refuse('GPU_SOURCE', `"${named}" is not built in yet; use auto, nvidia-smi, simulated or none`, 'auto');
}

function identifier(read: SettingsReader): string {
  const id = read.text('PROBE_ID', hostname(), 'name of this probe and of its host in events');
  const isFit = /^[^/\p{Cc}]{1,128}$/u.test(id);
  return isFit ? id : read.refuse('PROBE_ID', 'must have 1 to 128 characters, and no slash', id);
}
