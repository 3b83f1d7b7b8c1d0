import { execFile, type ExecFileException } from 'node:child_process';
import type { GpuReading } from '#libs/contracts';
import { fieldsOf, firstLine, OPTIONAL_FIELDS, parseNvidiaSmi, unknownFieldIn } from '../core/nvidia-smi.js';
import { GpuReader } from './gpu-reader.js';

export interface NvidiaSmiOptions {
  /** A call that takes longer is killed. */
  readonly timeoutMs?: number;
  /** Where the program is looked for, as in `PATH`; this process's own if absent. */
  readonly path?: string;
}

interface Outcome {
  readonly error: ExecFileException | null;
  readonly stdout: string;
  readonly stderr: string;
}

const TIMEOUT_MS = 5_000;
/** A driver that hangs can make its caller unkillable: this long after the kill, it is given up. */
const GRACE_MS = 500;

/** Reads GPUs by running `nvidia-smi`. */
export class NvidiaSmiReader extends GpuReader {
  private readonly unknownToDriver = new Set<string>();
  private readonly timeoutMs: number;
  /** A call that was given up and has not ended. */
  private stuck = false;

  constructor(
    private readonly host: string,
    private readonly options: NvidiaSmiOptions = {},
  ) {
    super();
    this.timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  }

  async read(): Promise<readonly GpuReading[]> {
    if (this.stuck) throw new Error('nvidia-smi hangs and cannot be killed');
    for (let attempt = 0; attempt <= OPTIONAL_FIELDS.length; attempt += 1) {
      const fields = fieldsOf(this.unknownToDriver);
      const outcome = await this.run([`--query-gpu=${fields.join(',')}`, '--format=csv,noheader,nounits']);
      const unknown = unknownFieldIn(outcome.stdout + outcome.stderr);
      if (unknown === undefined) return this.readingsOf(outcome, fields);
      this.unknownToDriver.add(unknown);
    }
    throw new Error('nvidia-smi refuses every query');
  }

  /** Devices that answer are reported although another has failed. */
  private readingsOf({ error, stdout, stderr }: Outcome, fields: readonly string[]): readonly GpuReading[] {
    const { readings, complaint } = parseNvidiaSmi(stdout, fields, this.host);
    if (readings.length > 0) return readings;
    if (error) throw new Error(this.explain(error, complaint ?? firstLine(stderr)));
    if (complaint !== undefined) throw new Error(`nvidia-smi: ${complaint}`);
    return [];
  }

  private explain(error: ExecFileException, complaint: string): string {
    if (error.code === 'ENOENT') return 'nvidia-smi is not installed';
    if (error.code === 'EACCES') return 'nvidia-smi may not be run by this user';
    if (error.killed) return `nvidia-smi gave no answer within ${this.timeoutMs} ms`;
    return `nvidia-smi: ${complaint === '' ? `ended with code ${error.code ?? error.signal ?? 'unknown'}` : complaint}`;
  }

  private run(args: readonly string[]): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const env = { ...process.env, LC_ALL: 'C', ...(this.options.path === undefined ? {} : { PATH: this.options.path }) };
      const options = { env, timeout: this.timeoutMs, killSignal: 'SIGKILL', windowsHide: true } as const;
      const giveUp = setTimeout(() => {
        this.stuck = true;
        reject(new Error('nvidia-smi hangs and cannot be killed'));
      }, this.timeoutMs + GRACE_MS);
      execFile('nvidia-smi', args, options, (error, stdout, stderr) => {
        clearTimeout(giveUp);
        this.stuck = false;
        resolve({ error, stdout, stderr });
      });
    });
  }
}
