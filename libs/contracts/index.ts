export { CANCEL_PHASES, ERROR_TYPES, USAGE_SOURCES, type CancelPhase, type ErrorType, type UsageSource } from './error-types.js';
export { cellOf, LATENCY_EDGES_SECONDS, PER_TOKEN_EDGES_SECONDS, TOKEN_EDGES, TTFT_EDGES_SECONDS } from './edges.js';
export { DEFAULT_TOPIC_PREFIX, INPUT_PARTITIONS, topicsOf, type TopicDefinition, type Topics } from './topics.js';
export { EVENT_TYPES, schemaIdOf, shortName, type EventType } from './event-types.js';
export {
  schemaOf,
  type EventData,
  type EventOf,
  type GatewayHeartbeat,
  type GpuReading,
  type InferometerEvent,
  type RequestCancelled,
  type RequestCompleted,
  type RequestFailed,
  type RequestReceived,
  type RequestStarted,
} from './events.js';
export { EventSource } from './event-source.js';
export type { DeadLetter } from './dead-letter.js';
export { DECODE_REASONS, decodeEvent, encodeEvent, MAX_EVENT_BYTES, type Decoded, type DecodeReason } from './codec.js';
export {
  LATENCY_BINS,
  WINDOW_NAMES,
  type AlertDocument,
  type AlertLevel,
  type AlertState,
  type GpuDocument,
  type MetricsDocument,
  type ModelDocument,
  type ServiceStatus,
  type ThroughputDocument,
  type TtftDocument,
  type WindowName,
} from './metrics-document.js';
