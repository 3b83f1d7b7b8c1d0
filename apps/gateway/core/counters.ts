import type { CancelPhase, ErrorType, EventData } from '#libs/contracts';
import type { LifecycleEventType } from './lifecycle.js';

/** What one gateway has counted since it started: the body of `/stats`, and a check on what the log says of it. */
export class Counters {
  received = 0;
  successful = 0;
  inputTokens = 0;
  outputTokens = 0;
  readonly failed: Partial<Record<ErrorType, number>> = {};
  readonly cancelled: Partial<Record<CancelPhase, number>> = {};

  note<T extends LifecycleEventType>(type: T, data: EventData<T>): void {
    if (type === 'io.inferometer.request.received.v1') this.received += 1;
    if ('usage_source' in data) this.noteEnd(data);
  }

  private noteEnd(data: { error_type?: ErrorType; phase?: CancelPhase; input_tokens?: number; output_tokens?: number }): void {
    this.inputTokens += data.input_tokens ?? 0;
    this.outputTokens += data.output_tokens ?? 0;
    if (data.error_type !== undefined) this.failed[data.error_type] = (this.failed[data.error_type] ?? 0) + 1;
    else if (data.phase !== undefined) this.cancelled[data.phase] = (this.cancelled[data.phase] ?? 0) + 1;
    else this.successful += 1;
  }
}
