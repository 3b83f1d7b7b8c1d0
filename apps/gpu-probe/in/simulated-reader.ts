import type { GpuReading } from '#libs/contracts';
import { simulatedReading } from '../core/simulated-gpu.js';
import { GpuReader } from './gpu-reader.js';

/** One GPU that does not exist: for demonstrations and tests. */
export class SimulatedReader extends GpuReader {
  constructor(
    private readonly host: string,
    /** Mean memory use, 0 to 100. */
    private readonly memoryPercent: number,
    private readonly seed = 1,
    private readonly now: () => number = Date.now,
  ) {
    super();
  }

  read(): Promise<readonly GpuReading[]> {
    return Promise.resolve([simulatedReading(this.host, this.seed, this.now(), this.memoryPercent)]);
  }
}
