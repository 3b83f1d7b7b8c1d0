import type { EventType } from './event-types.js';
import type { Topics } from './topics.js';

/*
 * What the AsyncAPI document says and no other code knows: who writes and reads what, and what for. The compiler asks for it with each new type
 * and topic; a test holds it against what a whole fleet writes.
 */

export type Channel = keyof Topics;
export type App = 'gateway' | 'gpu-probe' | 'aggregator';

export interface MessageWords {
  readonly channels: readonly Channel[];
  /** Undefined while no app writes it. */
  readonly sender: App | undefined;
  /** What its Kafka key is. */
  readonly key: string;
  readonly summary: string;
}

const ofRequest = (summary: string): MessageWords => ({ channels: ['requests'], sender: 'gateway', key: 'the request’s id', summary });

export const EVENT_WORDS: Readonly<Record<EventType, MessageWords>> = {
  'io.inferometer.request.received.v1': ofRequest('A gateway took a request in.'),
  'io.inferometer.request.started.v1': ofRequest('The request got its place, and goes to the upstream.'),
  'io.inferometer.request.first_token.v1': ofRequest('The first token of a stream passed.'),
  'io.inferometer.request.completed.v1': ofRequest('The request succeeded. Terminal: says everything that is known of it.'),
  'io.inferometer.request.failed.v1': ofRequest('The request was refused or broke. Terminal: says everything that is known of it.'),
  'io.inferometer.request.cancelled.v1': ofRequest(
    'The client left first, or an operator ended it. Terminal: says everything that is known of it.',
  ),
  'io.inferometer.gateway.heartbeat.v1': {
    channels: ['requests'],
    sender: 'gateway',
    key: 'the gateway’s id',
    summary: 'A gateway’s own gauges, every second to every partition.',
  },
  'io.inferometer.aggregator.heartbeat.v1': {
    channels: ['requests', 'gpus'],
    sender: 'aggregator',
    key: 'the aggregator’s id',
    summary: 'Sent to a partition that was silent for a second, so that log time moves on. Of no interest to others.',
  },
  'io.inferometer.gpu.read.v1': {
    channels: ['gpus'],
    sender: 'gpu-probe',
    key: 'the host and the GPU’s uuid, with a slash between them',
    summary: 'One reading of one GPU.',
  },
  'io.inferometer.alert.changed.v1': {
    channels: ['alerts'],
    sender: undefined,
    key: 'the alert’s name',
    summary: 'An alert changed its state. Defined, but nothing writes it yet.',
  },
};

/** What is no event of ours. */
export const OTHER_WORDS: Readonly<Record<'dead_letter' | 'rollup', MessageWords>> = {
  dead_letter: {
    channels: ['deadLetter'],
    sender: 'aggregator',
    key: 'topic, partition and offset of the record, with slashes between them',
    summary: 'A record that could not be decoded. Plain JSON and no CloudEvent, whatever the header says.',
  },
  rollup: {
    channels: ['rollups'],
    sender: 'aggregator',
    key: 'internal',
    summary: 'A piece of an aggregator’s state, or a tombstone. Internal.',
  },
};

export const CHANNEL_WORDS: Readonly<Record<Channel, string>> = {
  requests: 'The life of every request, and heartbeats. All events of a request are in one partition, in their order.',
  gpus: 'GPU readings.',
  rollups: 'What the aggregators know, for each other. Its format is internal and changes without notice: do not read it.',
  alerts: 'Changes of alerts. The topic is made, but nothing writes to it yet.',
  deadLetter: 'Records of the two topics above that are no events of this version.',
};

/** What each app reads. What one of the group reads, no other does; without a group each reads all. */
export const READERS: readonly { readonly app: App; readonly channel: Channel; readonly group?: string }[] = [
  { app: 'aggregator', channel: 'requests', group: 'aggregator' },
  { app: 'aggregator', channel: 'gpus', group: 'aggregator' },
  { app: 'aggregator', channel: 'rollups' },
];
