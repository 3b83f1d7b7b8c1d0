export {
  EventLog,
  EventLogError,
  EventLogOpenError,
  MAX_RECORD_BYTES,
  type Bounds,
  type Consumption,
  type Following,
  type LogRecord,
  type OutgoingRecord,
  type PartitionHandler,
  type Position,
  type RecordHandler,
  type StartAt,
  type StoredTopic,
  type TopicSpec,
} from './event-log.js';
export { onEventLog, type Drainable } from './on-event-log.js';
export { openEventLog, type EventLogAddress, type EventLogOptions } from './open.js';
export { prepareTopics, type PrepareOptions, type TopicLogger } from './prepare-topics.js';
export { partitionOf } from './partitioner.js';
export { Outbox, type OutboxOptions } from './outbox.js';
export { TopicKeeper } from './topic-keeper.js';
export { TopicWatch, type WatchedTopics } from './topic-watch.js';
export { Spool, type SpoolOptions } from './spool.js';
export { surveyEventLog, type LogSurvey, type SurveyedTopic } from './survey.js';
export { surveySpool, type SpoolSurvey } from './spool-survey.js';
