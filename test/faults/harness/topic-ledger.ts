import { decodeEvent } from '#libs/contracts';
import type { EventLog } from '#libs/event-log';
import { Ledger, type End, type Labels } from './ledger.js';
import { readTopic } from './read-topic.js';

interface Told {
  readonly labels: Labels;
  end: End | undefined;
  input: number;
  output: number;
}

const ENDS: Readonly<Record<string, End>> = {
  'io.inferometer.request.completed.v1': 'successful',
  'io.inferometer.request.failed.v1': 'failed',
  'io.inferometer.request.cancelled.v1': 'cancelled',
};

/** What the stored events tell, summed in the plainest way: a request without an end, whose gateway is gone, is lost. */
export class TopicLedger {
  private readonly told = new Map<string, Told>();

  static async read(log: EventLog, topic: string): Promise<TopicLedger> {
    const ledger = new TopicLedger();
    for (const { value } of await readTopic(log, topic)) ledger.take(value);
    return ledger;
  }

  get ledger(): Ledger {
    const ledger = new Ledger();
    for (const { labels, end = 'lost', input, output } of this.told.values()) {
      ledger.received(labels);
      ledger.ended(labels, end, input, output);
    }
    return ledger;
  }

  /** The part of it that is about these requests. */
  only(isWanted: (requestId: string) => boolean): TopicLedger {
    const part = new TopicLedger();
    for (const [requestId, told] of this.told) if (isWanted(requestId)) part.told.set(requestId, told);
    return part;
  }

  /** How the request ended, as far as it was told; undefined if nothing was. */
  endOf(requestId: string): End | 'open' | undefined {
    const told = this.told.get(requestId);
    return told && (told.end ?? 'open');
  }

  private take(value: Uint8Array | null): void {
    const decoded = decodeEvent(value);
    if (!decoded.ok || !decoded.value.type.startsWith('io.inferometer.request.')) return;
    const { type, subject } = decoded.value;
    const data = decoded.value.data as unknown as Readonly<Record<string, string & number>>;
    const told = this.told.get(subject) ?? {
      labels: { model: data['model']!, tenant: data['tenant']! },
      end: undefined,
      input: 0,
      output: 0,
    };
    this.told.set(subject, told);
    if (!ENDS[type] || told.end) return;
    told.end = ENDS[type];
    told.input = data['input_tokens'] ?? 0;
    told.output = data['output_tokens'] ?? 0;
  }
}
