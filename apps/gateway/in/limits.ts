import type { OnModuleInit } from '@nestjs/common';
import { StartError, type Logger } from '#libs/runtime';
import { Admission, type AdmissionLimits } from '../core/admission.js';
import { parseJsonObject } from '../core/json.js';
import { changedLimits, limitsDocument } from '../core/limits.js';
import { readLimitsFile } from '../out/limits-file.js';
import { Inference } from './inference.js';

/** The limits of admission while the gateway runs. */
export class Limits implements OnModuleInit {
  constructor(
    private readonly inference: Inference,
    private readonly admission: Admission<unknown>,
    /** Those of the environment; the file's win over them. */
    private readonly set: AdmissionLimits,
    private readonly file: string | undefined,
    private readonly logger: Logger,
  ) {}

  document(): object {
    return limitsDocument(this.admission.limits);
  }

  /** Changes what the JSON text names; nothing at all if something in it is wrong. Answers the problem, one sentence. */
  change(text: string): string | undefined {
    return this.apply(this.admission.limits, text);
  }

  /** Reads the file for the first time. Throws StartError if it is bad: nothing runs yet that would have to go on. */
  onModuleInit(): void {
    const problem = this.read();
    if (problem !== undefined) throw new StartError(`LIMITS_FILE ${this.file}: ${problem}`);
  }

  /** Puts the limits to those of the environment and the file, whatever was changed since. A bad file changes nothing, and is logged. */
  reload(): void {
    const problem = this.read();
    if (problem !== undefined) this.logger.error(`LIMITS_FILE is left out of account: ${problem}`);
  }

  private read(): string | undefined {
    if (this.file === undefined) return undefined;
    const text = readLimitsFile(this.file);
    return text === undefined ? 'It cannot be read.' : this.apply(this.set, text);
  }

  private apply(base: AdmissionLimits, text: string): string | undefined {
    const changed = changedLimits(base, parseJsonObject(text));
    if (!changed.ok) return changed.problem;
    this.inference.setLimits(changed.limits);
    const named = Object.entries(limitsDocument(changed.limits)).map(([name, value]) => `${name} ${value}`);
    this.logger.info(`limits are now: ${named.join(', ')}`);
    return undefined;
  }
}
