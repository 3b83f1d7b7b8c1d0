import { CHANNEL_WORDS, EVENT_WORDS, OTHER_WORDS, READERS, type App, type Channel, type MessageWords } from './asyncapi-words.js';
import { DEAD_LETTER_SCHEMA } from './dead-letter.js';
import { EVENT_TYPES, shortName, type EventType } from './event-types.js';
import { topicsOf, type TopicDefinition } from './topics.js';

/** Every record with a value has this header, though only events are CloudEvents. */
const CONTENT_TYPE = 'application/cloudevents+json';
/** Of the bindings for Kafka. */
const BINDING = '0.5.0';
const TOPICS = topicsOf();
const CHANNELS = Object.keys(TOPICS) as readonly Channel[];

const INFO = {
  title: 'Inferometer',
  description:
    'The topics of an LLM serving fleet’s telemetry. Their names begin with EVENT_LOG_TOPIC_PREFIX, which is `inferometer.` by default. ' +
    'Delivery is at least once: a repeat has the `source` and `id` of its original. docs/events.md tells what is promised.',
  license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
  tags: [{ name: 'gateway' }, { name: 'gpu-probe' }, { name: 'aggregator' }],
};

const SERVERS = {
  local: { host: '127.0.0.1:9092', protocol: 'kafka', description: 'An example: the broker of npm run kafka.' },
  secured: {
    host: 'kafka.example.com:9093',
    protocol: 'kafka-secure',
    description: 'An example: a cluster with EVENT_LOG_TLS=on and EVENT_LOG_SASL_MECHANISM=scram-sha-512.',
    security: [reference('components', 'securitySchemes', 'scram')],
  },
};

/** The name of each message in the document, and what there is to say of it. */
const MESSAGES: readonly (readonly [name: string, words: MessageWords])[] = [
  ...EVENT_TYPES.map((type) => [shortName(type), EVENT_WORDS[type]] as const),
  ...Object.entries(OTHER_WORDS),
];

/** The AsyncAPI 3.0 document of the topics under their default names. Payloads are references to the JSON Schemas beside it. */
export function asyncApiDocument(version: string): object {
  return {
    asyncapi: '3.0.0',
    id: 'urn:inferometer:events',
    info: { ...INFO, version },
    defaultContentType: CONTENT_TYPE,
    servers: SERVERS,
    channels: Object.fromEntries(CHANNELS.map((channel) => [channel, channelOf(channel, TOPICS[channel])])),
    operations: Object.fromEntries([...sending(), ...receiving()]),
    components: {
      schemas: { dead_letter: DEAD_LETTER_SCHEMA },
      securitySchemes: { scram: { type: 'scramSha512' } },
      messageTraits: { event: { contentType: CONTENT_TYPE, headers: headers() } },
      messages: {
        ...Object.fromEntries(EVENT_TYPES.map((type) => [shortName(type), eventMessage(type)])),
        dead_letter: {
          ...messageOf('dead_letter', 'Dead letter', OTHER_WORDS.dead_letter),
          contentType: 'application/json',
          headers: headers(),
          payload: reference('components', 'schemas', 'dead_letter'),
        },
        rollup: { ...messageOf('rollup', 'Rollup', OTHER_WORDS.rollup), contentType: 'application/octet-stream' },
      },
    },
  };
}

function channelOf(channel: Channel, { name, partitions, policy, retentionMs }: TopicDefinition) {
  const topicConfiguration = {
    'cleanup.policy': policy.split(','),
    ...(retentionMs !== undefined && { 'retention.ms': retentionMs }),
    'message.timestamp.type': 'LogAppendTime',
  };
  return {
    address: name,
    description: CHANNEL_WORDS[channel],
    messages: Object.fromEntries(messagesOf(channel).map((message) => [message, reference('components', 'messages', message)])),
    bindings: { kafka: { topic: name, partitions, topicConfiguration, bindingVersion: BINDING } },
  };
}

/** One operation for each app and channel that it writes to. */
function sending(): readonly (readonly [name: string, operation: object])[] {
  const apps = new Set(MESSAGES.flatMap(([, { sender }]) => sender ?? []));
  return CHANNELS.flatMap((channel) =>
    [...apps].flatMap((app) => {
      const messages = messagesOf(channel, app);
      return messages.length > 0 ? [[`${app}.${channel}.send`, operationOf('send', app, channel, messages)] as const] : [];
    }),
  );
}

function receiving(): readonly (readonly [name: string, operation: object])[] {
  return READERS.map(({ app, channel, group }) => {
    const groupId = { type: 'string', enum: [`${TOPICS[channel].name}.${group}`] };
    const operation = {
      ...operationOf('receive', app, channel, messagesOf(channel)),
      ...(group !== undefined && { bindings: { kafka: { groupId, bindingVersion: BINDING } } }),
    };
    return [`${app}.${channel}.receive`, operation] as const;
  });
}

function operationOf(action: 'send' | 'receive', app: App, channel: Channel, messages: readonly string[]) {
  const references = messages.map((message) => reference('channels', channel, 'messages', message));
  return { action, channel: reference('channels', channel), tags: [{ name: app }], messages: references };
}

/** The names of the messages of a channel: all, or what one app sends. */
function messagesOf(channel: Channel, app?: App): readonly string[] {
  const ours = MESSAGES.filter(([, { channels, sender }]) => channels.includes(channel) && (app === undefined || sender === app));
  return ours.map(([name]) => name);
}

function eventMessage(type: EventType) {
  return {
    ...messageOf(type, shortName(type), EVENT_WORDS[type]),
    ...(type.startsWith('io.inferometer.request.') && { correlationId: { location: '$message.payload#/data/request_id' } }),
    payload: { $ref: `./${shortName(type)}.json` },
    traits: [reference('components', 'messageTraits', 'event')],
  };
}

function messageOf(name: string, title: string, { key, summary }: MessageWords) {
  const bindings = { kafka: { key: { type: 'string', description: key }, bindingVersion: BINDING } };
  return { name, title, summary, bindings };
}

function headers() {
  return { type: 'object', required: ['content-type'], properties: { 'content-type': { type: 'string', const: CONTENT_TYPE } } };
}

function reference(...path: readonly string[]) {
  return { $ref: `#/${path.join('/')}` };
}
