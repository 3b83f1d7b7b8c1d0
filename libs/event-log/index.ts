export {
  EventLog,
  EventLogError,
  EventLogOpenError,
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
export { partitionOf } from './partitioner.js';
export { Outbox, type OutboxOptions } from './outbox.js';
