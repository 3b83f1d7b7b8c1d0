import type { StoredTopic, TopicSpec } from './event-log.js';
import type { KafkaSurvey } from './kafka/survey.js';
import { folderOf, kafkaOptions, type EventLogAddress } from './open.js';
import { surveyFolder, type FolderSurvey } from './sqlite/survey.js';

/** A topic that should be there, and what is. */
export interface SurveyedTopic {
  readonly spec: TopicSpec;
  /** Undefined where it does not exist. */
  readonly stored: StoredTopic | undefined;
  /** What is wrong with it, so that nothing of ours would start on it, and how to mend that. */
  readonly fault: string | undefined;
  /** Copies of each partition, those of them that are up to date, and partitions without a leader: of the partition that is worst off. Brokers alone have these. */
  readonly copies?: number;
  readonly inSync?: number;
  readonly leaderless?: number;
}

export type LogSurvey = KafkaSurvey | FolderSurvey | { readonly kind: 'memory' };

/**
 * Looks at a log from outside, in some seconds: whether it can be reached, and at the topics. Unlike opening it, this creates and changes nothing.
 * Rejects with EventLogOpenError if the address is wrong, or the file of certificates cannot be read.
 */
export async function surveyEventLog(address: EventLogAddress, specs: readonly TopicSpec[]): Promise<LogSurvey> {
  const { url } = address;
  if (url === 'memory:') return { kind: 'memory' };
  if (url.startsWith('file:')) return surveyFolder(folderOf(url), specs);
  const { surveyKafka } = await import('./kafka/survey.js');
  return surveyKafka(kafkaOptions(address), specs);
}
