import type { EventData } from '#libs/contracts';
import { cellOf, PER_TOKEN_EDGES_SECONDS } from '#libs/contracts/writing';
import { isJsonObject } from './json.js';
import type { Usage } from './usage.js';

export type EngineTimings = NonNullable<EventData<'io.inferometer.request.completed.v1'>['engine']>;

/** How a stream stands: no terminal frame yet, its regular end seen, or an error frame seen (which no later end can mend). */
export type StreamEnd = 'open' | 'clean' | 'error';

/** Everything that is learnt from an answer while it passes. Times are those of the monotonic clock, in ms. */
export class Observation {
  /** Chunks that carried at least one token: the only thing countable where the upstream gives no usage. */
  tokenChunks = 0;
  firstTokenAtMs: number | undefined;
  lastTokenAtMs: number | undefined;
  /** How many pauses between token chunks fell into each cell of the per-token edges; trailing zeros are not there. */
  readonly gaps: number[] = [];
  usage: Usage | undefined;
  engine: EngineTimings | undefined;
  end: StreamEnd = 'open';
  /** That of the first choice, else the first that was seen. */
  finishReason: string | undefined;

  noteToken(atMs: number): void {
    this.tokenChunks += 1;
    if (this.lastTokenAtMs === undefined) this.firstTokenAtMs = atMs;
    else this.noteGap(atMs - this.lastTokenAtMs);
    this.lastTokenAtMs = atMs;
  }

  noteFinish(reason: unknown, choice: unknown): void {
    if (typeof reason !== 'string' || reason === '') return;
    if (this.finishReason !== undefined && choice !== 0) return;
    this.finishReason = (FINISH_REASONS.get(reason) ?? reason).slice(0, MAX_REASON_LENGTH);
  }

  /** llama.cpp's `timings`. */
  noteTimings(timings: unknown): void {
    if (!isJsonObject(timings)) return;
    this.noteEngine({ prefill_ms: timings['prompt_ms'], decode_ms: timings['predicted_ms'] });
  }

  /** vLLM's `metrics`, which it gives with `--enable-per-request-metrics`; its time to first token leaves its own queue out. */
  noteMetrics(metrics: unknown): void {
    if (!isJsonObject(metrics)) return;
    this.noteEngine({
      queue_ms: metrics['queue_time_ms'],
      ttft_ms: metrics['time_to_first_token_ms'],
      decode_ms: metrics['generation_time_ms'],
    });
  }

  /** Notes what makes sense; nothing at all where nothing does. */
  private noteEngine(given: Readonly<Partial<Record<keyof EngineTimings, unknown>>>): void {
    const known = Object.entries(given).filter(([, value]) => isDuration(value));
    if (known.length > 0) this.engine = Object.fromEntries(known);
  }

  private noteGap(gapMs: number): void {
    const cell = cellOf(PER_TOKEN_EDGES_SECONDS, gapMs / 1000);
    while (this.gaps.length <= cell) this.gaps.push(0);
    this.gaps[cell]! += 1;
  }
}

const MAX_REASON_LENGTH = 64;
const MAX_DURATION_MS = 1e9;

/** The words of messages and responses in those of chat completions, so that one chart holds them all. */
const FINISH_REASONS: ReadonlyMap<string, string> = new Map([
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['completed', 'stop'],
  ['max_tokens', 'length'],
  ['max_output_tokens', 'length'],
  ['tool_use', 'tool_calls'],
]);

function isDuration(value: unknown): boolean {
  return typeof value === 'number' && value >= 0 && value <= MAX_DURATION_MS;
}
