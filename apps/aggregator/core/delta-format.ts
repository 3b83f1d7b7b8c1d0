import type { StateHead } from './state-parts.js';

/*
 * A row is a run of numbers: its code, then what its flags and its kind say. Positions in the lists below are part of the format.
 * Requests, labels, sources and readings stand in tables beside the rows, to be named by their number or taken one after another.
 */
const KINDS = [
  'received',
  'started',
  'firstToken',
  'completed',
  'failed',
  'cancelled',
  'gatewayHeartbeat',
  'aggregatorHeartbeat',
  'gpuRead',
  'other',
  'undecodable',
] as const;
export type DeltaKind = (typeof KINDS)[number];

/** What a row says beside its kind. The first four are there where the row differs from what the rows before it let expect. */
export const FLAGS = { offset: 1, timestamp: 2, producer: 4, sequence: 8, stream: 16, gaps: 32 } as const;
const KIND_SHIFT = 6;

/** The numbers that the fold reads of a terminal event, in the order of their bits in the row's mask. */
export const OUTCOME_FIELDS = [
  'queue_ms',
  'ttft_ms',
  'duration_ms',
  'decode_ms',
  'input_tokens',
  'output_tokens',
  'cached_input_tokens',
  'reasoning_tokens',
  'chunks',
] as const;

/** The bit behind them in the mask: the next of the traces is the request's. What does not know the bit still reads the row. */
export const TRACED = 1 << OUTCOME_FIELDS.length;

export interface DeltaJson {
  readonly format: number;
  readonly origin: StateHead['origin'];
  readonly from: string;
  readonly to: string;
  readonly lag: number;
  /** Source and boot of each producer, one after another. */
  readonly sources: readonly string[];
  /** Operation, model and tenant of each series. */
  readonly labels: readonly string[];
  /** Id and series number of each request. */
  readonly requests: readonly (string | number)[];
  readonly readings: readonly (readonly (string | number | null)[])[];
  /** Ids of traces, one for each row that says so; not there where none does. */
  readonly traces?: readonly string[];
  readonly rows: readonly number[];
}

const CODES = Object.fromEntries(KINDS.map((kind, index) => [kind, index << KIND_SHIFT])) as Record<DeltaKind, number>;

export function codeOf(kind: DeltaKind, flags: number): number {
  return CODES[kind] | flags;
}

/** Undefined for a code of another format. */
export function kindOf(code: number): DeltaKind | undefined {
  return KINDS[code >> KIND_SHIFT];
}
