export {
  EventLog,
  EventLogError,
  EventLogOpenError,
  MAX_RECORD_BYTES,
  type Consumption,
  type Following,
  type LogRecord,
  type OutgoingRecord,
  type PartitionHandler,
  type Position,
  type RecordHandler,
  type StartAt,
  type TopicSpec,
} from './event-log.js';
export { EventLogModule } from './event-log.module.js';
export { onEventLog, type Drainable } from './on-event-log.js';
export { openEventLog, type EventLogOptions } from './open.js';
export { partitionOf } from './partitioner.js';
export { Outbox, type OutboxOptions } from './outbox.js';
