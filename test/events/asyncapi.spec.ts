import { fromFile, Parser, type AsyncAPIDocumentInterface, type Diagnostic } from '@asyncapi/parser';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { beforeAll, describe, expect, it } from 'vitest';
import { EVENT_TYPES, shortName, topicsOf, type DeadLetter, type InferometerEvent } from '#libs/contracts';
import type { LogRecord } from '#libs/event-log';
import { ROOT } from '../support/shared.js';
import { FOREIGN_KEY, recordWholeRun, UNWRITTEN_TYPES, type Run } from '../support/whole-run.js';

/** What the parser remarks on and is let pass: it would have 3.1 instead of 3.0. Nothing of 3.1 is used here, and more tools read 3.0. */
const LET_PASS = ['asyncapi-latest-version'];
/** By the parser’s severities: errors and warnings. */
const FAULTS: readonly number[] = [0, 1];

let document: AsyncAPIDocumentInterface;
let diagnostics: readonly Diagnostic[];

beforeAll(async () => {
  const parsed = await fromFile(new Parser(), `${ROOT}schemas/asyncapi.json`).parse();
  [document, diagnostics] = [parsed.document!, parsed.diagnostics];
});

describe('schemas/asyncapi.json', () => {
  it('is valid by the official parser: no error, no warning, nothing to remark on', () => {
    const remarks = diagnostics.filter(({ code, severity }) => FAULTS.includes(severity) || !LET_PASS.includes(String(code)));
    expect(remarks).toEqual([]);
    expect(document.version()).toBe('3.0.0');
  });

  it('has the topics, with the partitions, policies and retention that they are made with', () => {
    const channels = document.channels().all();
    const told = channels.map((channel) => ({ name: channel.address(), ...channel.bindings().get('kafka')!.value<KafkaChannel>() }));
    const made = Object.values(topicsOf()).map(({ name, partitions, policy, retentionMs }) => ({
      name,
      topic: name,
      partitions,
      topicConfiguration: {
        'cleanup.policy': policy.split(','),
        'message.timestamp.type': 'LogAppendTime',
        ...(retentionMs !== undefined && { 'retention.ms': retentionMs }),
      },
    }));
    expect(told).toEqual(made);
  });

  it('has every type of event', () => {
    expect(messageNames()).toEqual(expect.arrayContaining(EVENT_TYPES.map(shortName)));
  });
});

describe('what a fleet writes', () => {
  let run: Run;
  beforeAll(async () => {
    run = await recordWholeRun();
  }, 60_000);

  it('is as the document says: each record is a message of its channel, and fits its schema', () => {
    const found = new Set<string>();
    const strangers: string[] = [];
    for (const channel of document.channels().all()) {
      const messages = channel.messages().all().map(readMessage);
      for (const record of recordsOf(run, channel.address()!)) {
        const message = messages.find(({ name }) => name === nameOf(record, channel.address()!));
        if (message?.fits(record)) found.add(message.id);
        else strangers.push(`${channel.id()}: ${String(record.value)}`);
      }
    }
    expect(strangers).toEqual([]);
    expect(sorted([...found, ...UNWRITTEN_TYPES.map(shortName)])).toEqual(messageNames());
  });

  it('is sent by the apps that the document names, and each sends all that it is said to', () => {
    const told = document
      .operations()
      .filterBySend()
      .flatMap((operation) => {
        const [app, topic] = [operation.tags().all()[0]!.name(), operation.channels().all()[0]!.address()!];
        return operation
          .messages()
          .all()
          .map((message) => `${app} → ${topic}: ${message.name()}`);
      });
    const sent = [...run.keys()].flatMap((topic) =>
      recordsOf(run, topic).map((record) => `${senderOf(record)} → ${topic}: ${nameOf(record, topic)}`),
    );
    expect(sorted([...new Set(sent)])).toEqual(sorted(told));
  });

  it('goes to the dead letters, once, if it is another major version of an event', () => {
    const [foreign] = run.get(topicsOf().requests.name)!.filter(({ key }) => key === FOREIGN_KEY);
    const letters = run.get(topicsOf().deadLetter.name)!.map(({ value }) => JSON.parse(String(value)) as DeadLetter);
    expect(letters).toEqual([
      expect.objectContaining({
        topic: topicsOf().requests.name,
        offset: String(foreign!.offset),
        reason: 'unsupported_version',
        record_base64: Buffer.from(foreign!.value!).toString('base64'),
      }),
    ]);
  });

  it('has the keys that the document tells of', () => {
    const keys = [...run.keys()].flatMap((topic) => recordsOf(run, topic).map((record) => [record.key, keyOf(record)] as const));
    expect(keys.filter(([is, told]) => is !== told)).toEqual([]);
  });
});

interface KafkaChannel {
  readonly topic: string;
}

type Message = ReturnType<ReturnType<AsyncAPIDocumentInterface['allMessages']>['all']>[number];

function readMessage(message: Message) {
  const payload = message.payload()?.json<TSchema>();
  const validator = payload && Compile(payload);
  return {
    id: message.id(),
    name: message.name()!,
    fits: ({ value }: LogRecord) => !validator || validator.Check(JSON.parse(String(value))),
  };
}

function messageNames(): readonly string[] {
  return sorted(
    document
      .allMessages()
      .all()
      .map((message) => message.id()),
  );
}

/** The records of a topic that the fleet itself wrote. */
function recordsOf(run: Run, topic: string): readonly LogRecord[] {
  return run.get(topic)!.filter(({ key }) => key !== FOREIGN_KEY);
}

/** Undefined for what is no event. */
function eventIn({ value }: LogRecord): InferometerEvent | undefined {
  try {
    const parsed = JSON.parse(String(value)) as Partial<InferometerEvent>;
    return parsed.specversion === undefined ? undefined : (parsed as InferometerEvent);
  } catch {
    return undefined;
  }
}

function nameOf(record: LogRecord, topic: string): string {
  return eventIn(record)?.type ?? (topic === topicsOf().rollups.name ? 'rollup' : 'dead_letter');
}

function senderOf(record: LogRecord): string {
  const [, folder = 'aggregators'] = eventIn(record)?.source.split('/') ?? [];
  return { gateways: 'gateway', probes: 'gpu-probe', aggregators: 'aggregator' }[folder] ?? folder;
}

/** The key that the document tells of. That of a rollup is nobody's business. */
function keyOf(record: LogRecord): string {
  const event = eventIn(record);
  if (!event) {
    const isLetter = String(record.value).startsWith('{"topic"');
    const letter = isLetter && (JSON.parse(String(record.value)) as { topic: string; partition: number; offset: string });
    return letter ? `${letter.topic}/${letter.partition}/${letter.offset}` : record.key;
  }
  if ('request_id' in event.data) return event.data.request_id;
  return 'uuid' in event.data ? `${event.data.host}/${event.data.uuid}` : event.source.split('/')[2]!;
}

function sorted(texts: readonly string[]): readonly string[] {
  return texts.toSorted((a, b) => a.localeCompare(b));
}
