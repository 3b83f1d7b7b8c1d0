import type { GpuProbeSettings } from '../settings.js';
import type { GpuReader } from './gpu-reader.js';
import { NvidiaSmiReader, type NvidiaSmiOptions } from './nvidia-smi-reader.js';
import { SimulatedReader } from './simulated-reader.js';

type Wanted = Pick<GpuProbeSettings, 'source' | 'probeId' | 'simulatedMemoryPercent'>;

/** The reader that the settings ask for. `auto` is nvidia-smi, whose absence is no fault; `none` gets one that is never to be asked. */
export function readerOf({ source, probeId, simulatedMemoryPercent }: Wanted, options?: NvidiaSmiOptions): GpuReader {
  return source === 'simulated' ? new SimulatedReader(probeId, simulatedMemoryPercent) : new NvidiaSmiReader(probeId, options);
}
