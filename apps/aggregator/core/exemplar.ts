/** One observation that stands for others, and the trace that it was made in. */
export interface Exemplar {
  readonly traceId: string;
  readonly value: number;
  /** When the log took it in, in Unix ms. */
  readonly timestampMs: number;
}

/** The trace of a request, and when the log took in what is observed of it, in Unix ms. */
export interface Trace {
  readonly id: string;
  readonly timestampMs: number;
}

const TRACE_ID = /^(?!0{32})[0-9a-f]{32}$/;
/** Where the trace id stands in a `traceparent`, behind the version. */
const [ID_FROM, ID_TO] = [3, 35];

/** True for a trace id by W3C Trace Context. Nothing else is ever shown: clients make them up. */
export function isTraceId(value: unknown): value is string {
  return typeof value === 'string' && TRACE_ID.test(value);
}

/** The trace of an event; undefined where it names none. */
export function traceIdOf({ traceparent }: { readonly traceparent?: string | undefined }): string | undefined {
  const id = traceparent?.slice(ID_FROM, ID_TO);
  return isTraceId(id) ? id : undefined;
}

/** The inverse of `traceIdOf`, as far as that looks. */
export function traceparentOf(traceId: string): string {
  return `00-${traceId}-0000000000000000-00`;
}

/** The one of two that is shown where there is room for one: the newer, and of two of one moment always the same, in whatever order they come. */
export function newerOf(one: Exemplar | undefined, other: Exemplar): Exemplar {
  return one === undefined || isNewer(other, one) ? other : one;
}

function isNewer(one: Exemplar, other: Exemplar): boolean {
  if (one.timestampMs !== other.timestampMs) return one.timestampMs > other.timestampMs;
  if (one.traceId !== other.traceId) return one.traceId > other.traceId;
  return one.value > other.value;
}
