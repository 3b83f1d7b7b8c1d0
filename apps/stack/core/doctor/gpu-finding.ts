import { bytesText, counted, listed } from './amounts.js';
import { fail, ok, warn, type Finding } from './finding.js';

export interface GpuFacts {
  /** GPU_SOURCE. */
  readonly source: string;
  /** What one reading found; undefined if it failed, or was not tried. */
  readonly gpus: readonly { readonly name: string; readonly memory_total_bytes: number }[] | undefined;
  /** Why it failed, one line. */
  readonly problem: string | undefined;
}

const CHECK = 'gpu';

export function gpuFinding({ source, gpus, problem }: GpuFacts): Finding {
  if (source === 'none') return ok(CHECK, 'GPU_SOURCE=none: no GPU is read');
  if (gpus !== undefined && gpus.length > 0) {
    const names = gpus.map(({ name, memory_total_bytes: bytes }) => `${name}, ${bytesText(bytes)}`);
    const from = source === 'simulated' ? 'made up, for GPU_SOURCE=simulated' : 'by nvidia-smi';
    return ok(CHECK, `${counted(gpus.length, 'GPU')} ${from}: ${listed([...new Set(names)])}`);
  }
  const why = problem ?? 'nvidia-smi sees none';
  if (source === 'auto')
    return warn(
      CHECK,
      `no GPU found: ${why}`,
      'install the driver where there is a GPU; GPU_SOURCE=simulated shows one that is made up, GPU_SOURCE=none looks for none',
    );
  return fail(CHECK, `GPU_SOURCE=${source}, but ${why}`, 'install the driver, or set GPU_SOURCE to auto, simulated or none');
}
