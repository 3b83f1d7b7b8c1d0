/** What a topic of ours is; the same shape as the event log's `TopicSpec`. */
export interface TopicDefinition {
  readonly name: string;
  readonly partitions: number;
  readonly policy: 'delete' | 'compact' | 'compact,delete';
  readonly retentionMs?: number;
}

export interface Topics {
  /** Request lifecycle events and gateway heartbeats, keyed by request id. */
  readonly requests: TopicDefinition;
  /** GPU readings, keyed by host/uuid. */
  readonly gpus: TopicDefinition;
  /** Aggregator state: snapshots that carry their own input offset. */
  readonly rollups: TopicDefinition;
  /** Alert transitions. */
  readonly alerts: TopicDefinition;
  /** Records that could not be decoded. */
  readonly deadLetter: TopicDefinition;
}

export const DEFAULT_TOPIC_PREFIX = 'inferometer.';
export const INPUT_PARTITIONS = 6;

const DAY_MS = 86_400_000;

/** The topics under `prefix`, with the partitions and policies that they are created with. */
export function topicsOf(prefix: string = DEFAULT_TOPIC_PREFIX): Topics {
  return {
    requests: { name: `${prefix}requests`, partitions: INPUT_PARTITIONS, policy: 'delete', retentionMs: 7 * DAY_MS },
    gpus: { name: `${prefix}gpus`, partitions: INPUT_PARTITIONS, policy: 'delete', retentionMs: 7 * DAY_MS },
    rollups: { name: `${prefix}rollups`, partitions: INPUT_PARTITIONS, policy: 'compact' },
    alerts: { name: `${prefix}alerts`, partitions: 1, policy: 'compact,delete', retentionMs: 7 * DAY_MS },
    deadLetter: { name: `${prefix}dead-letter`, partitions: 1, policy: 'delete', retentionMs: 14 * DAY_MS },
  };
}
