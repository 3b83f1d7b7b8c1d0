import { decodeEvent, topicsOf, type GatewayHeartbeat, type InferometerEvent } from '#libs/contracts';
import { openEventLog } from '#libs/event-log';
import { readTopic } from './read-topic.js';

/** How a request ended, by its terminal event. */
export interface ToldEnd {
  /** `completed 200`, `upstream_timeout 504`, `cancelled streaming`. */
  readonly what: string;
  readonly bootId: string;
}

/** What was told of one request id. */
export interface ToldRequest {
  received: number;
  readonly ends: ToldEnd[];
}

/** Everything that gateways have told, as it stands in the log. */
export class Told {
  readonly requests = new Map<string, ToldRequest>();
  /** In the order of the log, partition by partition. */
  readonly heartbeats: GatewayHeartbeat[] = [];
  /** Numbers that are missing among those of the events, over all partitions and lives. */
  missing = 0;

  /** Reads all of the topic of requests. Events that cannot be decoded make it throw. */
  static async read(logUrl: string, prefix?: string): Promise<Told> {
    const log = await openEventLog(logUrl);
    try {
      const told = new Told();
      const ids = new Map<string, InferometerEvent>();
      for (const { value } of await readTopic(log, topicsOf(prefix).requests.name)) {
        const decoded = decodeEvent(value);
        if (!decoded.ok) throw new Error(`an event that cannot be decoded: ${decoded.reason}, ${decoded.detail}`);
        // A batch whose answer was lost is stored twice.
        if (!ids.has(decoded.value.id)) told.take(decoded.value);
        ids.set(decoded.value.id, decoded.value);
      }
      told.missing = gapsIn([...ids.values()]);
      return told;
    } finally {
      await log.close();
    }
  }

  of(id: string): ToldRequest {
    const found = this.requests.get(id) ?? { received: 0, ends: [] };
    this.requests.set(id, found);
    return found;
  }

  /** How often each end was told. */
  counts(): Readonly<Record<string, number>> {
    return tally([...this.requests.values()].flatMap(({ ends }) => ends.map(({ what }) => what)));
  }

  /** The requests whose ends are not as many as they were received times. */
  unbalanced(): readonly string[] {
    return [...this.requests].filter(([, { received, ends }]) => received !== ends.length).map(([id]) => id);
  }

  private take(event: InferometerEvent): void {
    const { type, subject, data, bootid } = event;
    if (type === 'io.inferometer.gateway.heartbeat.v1') this.heartbeats.push(data);
    else if (type === 'io.inferometer.request.received.v1') this.of(subject).received += 1;
    else if (type === 'io.inferometer.request.completed.v1') this.end(subject, `completed ${data.status_code}`, bootid);
    else if (type === 'io.inferometer.request.failed.v1') this.end(subject, `${data.error_type} ${data.status_code}`, bootid);
    else if (type === 'io.inferometer.request.cancelled.v1') this.end(subject, `cancelled ${data.phase}`, bootid);
  }

  private end(subject: string, what: string, bootId: string): void {
    this.of(subject).ends.push({ what, bootId });
  }
}

/** How often each of the texts is there, the most frequent first. */
export function tally(texts: readonly string[]): Readonly<Record<string, number>> {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return Object.fromEntries([...counts].toSorted(([, a], [, b]) => b - a));
}

function gapsIn(events: readonly InferometerEvent[]): number {
  const lines = new Map<string, { count: number; last: number }>();
  for (const { id, sequence } of events) {
    const name = id.slice(0, id.lastIndexOf('/'));
    const line = lines.get(name) ?? { count: 0, last: 0 };
    lines.set(name, { count: line.count + 1, last: Math.max(line.last, sequence) });
  }
  return [...lines.values()].reduce((sum, { count, last }) => sum + last - count, 0);
}
