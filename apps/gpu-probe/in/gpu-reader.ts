import type { GpuReading } from '#libs/contracts';

/**
 * The port through which GPUs are read. `read` answers the devices that can be read now, none if there are none; a value that the driver
 * does not give is absent. It rejects with a one-line message if the driver cannot be asked, settles within seconds, and is not called
 * again before it has settled.
 */
export abstract class GpuReader {
  abstract read(): Promise<readonly GpuReading[]>;
}
