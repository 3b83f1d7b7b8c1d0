import { schemaIdOf, type EventData, type EventOf, type EventType } from './events.js';

/**
 * Numbers and wraps the events of one producer in one life (`bootId`): each partition's sequence starts at 1 and has no holes.
 * Whoever stamps an event and then loses it makes a gap, which consumers see as loss.
 */
export class EventSource {
  private readonly sequences: number[] = [];
  private readonly name: string;
  /** The last time written, and its text: many events share a millisecond, and writing it is a good part of the work. */
  private lastTimeMs = NaN;
  private lastTime = '';

  /** `source` is `/gateways/<id>`, `/probes/<id>` or `/aggregators/<id>`; `bootId` is unique to this start of the process. */
  constructor(
    readonly source: string,
    readonly bootId: string,
  ) {
    this.name = source.slice(source.lastIndexOf('/') + 1);
  }

  /** The next event for `partition`. `timeMs` is Unix time in ms; `traceparent` must fit its schema. */
  stamp<T extends EventType>(
    type: T,
    partition: number,
    subject: string,
    data: EventData<T>,
    timeMs: number,
    traceparent?: string,
  ): EventOf<T> {
    const sequence = (this.sequences[partition] ?? 0) + 1;
    this.sequences[partition] = sequence;
    return {
      specversion: '1.0',
      id: `${this.name}/${this.bootId}/${partition}/${sequence}`,
      source: this.source,
      type,
      time: this.timeText(timeMs),
      subject,
      datacontenttype: 'application/json',
      dataschema: schemaIdOf(type),
      bootid: this.bootId,
      sequence,
      ...(traceparent !== undefined && { traceparent }),
      data,
    };
  }

  private timeText(timeMs: number): string {
    if (timeMs !== this.lastTimeMs) {
      this.lastTime = new Date(timeMs).toISOString();
      this.lastTimeMs = timeMs;
    }
    return this.lastTime;
  }
}
