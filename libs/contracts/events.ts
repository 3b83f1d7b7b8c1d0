import { Type, type Static, type TProperties, type TSchema } from 'typebox';
import { CANCEL_PHASES, ERROR_TYPES, USAGE_SOURCES } from './error-types.js';
import { PER_TOKEN_EDGES_SECONDS } from './edges.js';
import { schemaIdOf, type EventType } from './event-types.js';

/*
 * Every event type, as a schema; the TypeScript types are derived from it and `schemas/*.json` are written from it.
 * Bounds are there to refuse the absurd, not to judge the unusual: 10⁹ ms is eleven days, 10⁹ tokens is no request.
 */
const MAX_DURATION_MS = 1e9;
const MAX_TOKENS = 1e9;
const MAX_BYTES = 2 ** 50;

const durationMs = () => Type.Number({ minimum: 0, maximum: MAX_DURATION_MS });
const tokens = () => Type.Integer({ minimum: 0, maximum: MAX_TOKENS });
const bytes = () => Type.Integer({ minimum: 0, maximum: MAX_BYTES });
const count = () => Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const text = (maxLength: number, minLength = 1) => Type.String({ minLength, maxLength });
/** What `Date.prototype.toISOString` writes from year 0 to 9999: every such text can be parsed. */
const time = () =>
  Type.String({ pattern: String.raw`^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$` });
/** W3C Trace Context: version, trace id, parent id and flags, in lower-case hex. */
const TRACEPARENT = '^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$';
const optional = Type.Optional;
/** Unknown extra fields are tolerated, so that a newer producer can be read. */
const open = <P extends TProperties>(properties: P, options: object = {}) =>
  Type.Object(properties, { ...options, additionalProperties: true });

const identity = {
  request_id: text(128),
  operation: Type.String({ pattern: '^[a-z_]{1,32}$' }),
  model: text(256, 0),
  stream: Type.Boolean(),
  tenant: optional(text(128)),
};

/** Timings that the engine itself reported, never derived by the gateway. */
const engine = open({
  queue_ms: optional(durationMs()),
  ttft_ms: optional(durationMs()),
  prefill_ms: optional(durationMs()),
  decode_ms: optional(durationMs()),
});

/** What may be known of a request at its end, however it ended. Unknown is absent, never 0. */
const outcome = {
  status_code: optional(Type.Integer({ minimum: 100, maximum: 599 })),
  finish_reason: optional(text(64)),
  queue_ms: optional(durationMs()),
  ttft_ms: optional(durationMs()),
  duration_ms: optional(durationMs()),
  decode_ms: optional(durationMs()),
  input_tokens: optional(tokens()),
  output_tokens: optional(tokens()),
  cached_input_tokens: optional(tokens()),
  reasoning_tokens: optional(tokens()),
  usage_source: Type.Enum([...USAGE_SOURCES]),
  chunks: optional(count()),
  gaps: optional(Type.Array(count(), { maxItems: PER_TOKEN_EDGES_SECONDS.length + 1 })),
  engine: optional(engine),
};

const dataSchemas = {
  'io.inferometer.request.received.v1': open({
    ...identity,
    max_tokens: optional(tokens()),
    n: optional(Type.Integer({ minimum: 1, maximum: 1e6 })),
  }),
  'io.inferometer.request.started.v1': open({
    ...identity,
    queue_ms: durationMs(),
    upstream: text(256),
    /** Where it stands in the gateway's list of upstreams, from 0; absent where there is only one. */
    upstream_index: optional(Type.Integer({ minimum: 0, maximum: 1e6 })),
  }),
  'io.inferometer.request.first_token.v1': open({ ...identity, ttft_ms: durationMs() }),
  'io.inferometer.request.completed.v1': open({
    ...identity,
    ...outcome,
    status_code: Type.Integer({ minimum: 200, maximum: 299 }),
    finish_reason: text(64),
    queue_ms: durationMs(),
    duration_ms: durationMs(),
    chunks: count(),
  }),
  'io.inferometer.request.failed.v1': open({ ...identity, ...outcome, error_type: Type.Enum([...ERROR_TYPES]) }),
  'io.inferometer.request.cancelled.v1': open({ ...identity, ...outcome, phase: Type.Enum([...CANCEL_PHASES]) }),
  /** Sent every second to every partition: a gateway's own gauges, and the watermark that moves log time on. */
  'io.inferometer.gateway.heartbeat.v1': open({
    waiting: count(),
    running: count(),
    peak_running: count(),
    max_concurrent: count(),
    max_queue: count(),
    received_total: count(),
    spooled: count(),
    dropped: count(),
    version: text(64),
  }),
  /** Sent to a partition that has been silent for a second, so that log time moves on when every producer is gone. */
  'io.inferometer.aggregator.heartbeat.v1': open({ version: text(64) }),
  'io.inferometer.gpu.read.v1': open({
    host: text(256),
    uuid: text(128),
    index: Type.Integer({ minimum: 0, maximum: 4096 }),
    name: text(256),
    vendor: text(64),
    memory_used_bytes: bytes(),
    memory_total_bytes: bytes(),
    memory_free_bytes: bytes(),
    memory_reserved_bytes: optional(bytes()),
    compute_utilization_percent: optional(Type.Number({ minimum: 0, maximum: 100 })),
    temperature_celsius: optional(Type.Number({ minimum: -273.15, maximum: 1000 })),
    power_watts: optional(Type.Number({ minimum: 0, maximum: 1e6 })),
    energy_joules: optional(Type.Number({ minimum: 0, maximum: 1e15 })),
    driver_version: optional(text(64)),
    mig_parent: optional(text(128)),
  }),
  'io.inferometer.alert.changed.v1': open({
    name: text(128),
    level: Type.Enum(['warning', 'critical']),
    state: Type.Enum(['inactive', 'pending', 'firing', 'resolved', 'unknown']),
    metric: text(128),
    value: Type.Number(),
    threshold: Type.Number(),
    message: text(1024),
    since: time(),
  }),
} satisfies Record<EventType, TSchema>;

export type EventData<T extends EventType> = Static<(typeof dataSchemas)[T]>;

const envelopeOf = <T extends EventType>(type: T) => ({
  specversion: Type.Literal('1.0'),
  id: text(512),
  source: Type.String({ pattern: '^/(gateways|probes|aggregators)/[^/]{1,128}$' }),
  type: Type.Literal(type),
  time: time(),
  subject: text(512),
  datacontenttype: Type.Literal('application/json'),
  dataschema: text(256),
  bootid: Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' }),
  sequence: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
  /** CloudEvents' extension for distributed tracing: what the request's client sent, as it was. */
  traceparent: optional(Type.String({ pattern: TRACEPARENT })),
});

/** The JSON Schema (2020-12) of the whole CloudEvent of one type. */
export function schemaOf(type: EventType): TSchema {
  return open(
    { ...envelopeOf(type), data: dataSchemas[type] },
    {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      $id: schemaIdOf(type),
      title: type,
    },
  );
}

/** A CloudEvent 1.0 in structured mode. `sequence` is the producer's own counter for the partition: from 1, contiguous within `bootid`. */
export interface EventOf<T extends EventType> {
  readonly specversion: '1.0';
  /** `<producer>/<boot>/<partition>/<sequence>`: unique. */
  readonly id: string;
  /** `/gateways/<id>`, `/probes/<id>` or `/aggregators/<id>`. */
  readonly source: string;
  readonly type: T;
  /** RFC 3339 in UTC with milliseconds, by the producer's clock. */
  readonly time: string;
  /** The request id, the GPU's uuid, or the producer's id for heartbeats. */
  readonly subject: string;
  readonly datacontenttype: 'application/json';
  readonly dataschema: string;
  readonly bootid: string;
  readonly sequence: number;
  /** W3C Trace Context of the request, where its client sent one. */
  readonly traceparent?: string;
  readonly data: EventData<T>;
}

/** Any event of ours, told apart by `type`. */
export type InferometerEvent = { [T in EventType]: EventOf<T> }[EventType];

export type RequestReceived = EventData<'io.inferometer.request.received.v1'>;
export type RequestStarted = EventData<'io.inferometer.request.started.v1'>;
export type RequestCompleted = EventData<'io.inferometer.request.completed.v1'>;
export type RequestFailed = EventData<'io.inferometer.request.failed.v1'>;
export type RequestCancelled = EventData<'io.inferometer.request.cancelled.v1'>;
export type GatewayHeartbeat = EventData<'io.inferometer.gateway.heartbeat.v1'>;
export type GpuReading = EventData<'io.inferometer.gpu.read.v1'>;
