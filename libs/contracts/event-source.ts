import { schemaIdOf, type EventType } from './event-types.js';
import type { EventData, EventOf } from './events.js';

/** The text of an event around its partition, sequence, time, subject and data. */
interface Frame {
  readonly start: string;
  readonly middle: string;
  readonly end: string;
}

/**
 * Numbers and wraps the events of one producer in one life (`bootId`): each partition's sequence starts at 1 and has no holes.
 * Whoever stamps an event and then loses it makes a gap, which consumers see as loss.
 */
export class EventSource {
  private readonly sequences: number[] = [];
  private readonly name: string;
  /** What the texts of all events of one type have in common. */
  private readonly frames = new Map<EventType, Frame>();
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
    const sequence = this.next(partition);
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

  /** The JSON text of what `stamp` would give, for half the work. */
  write<T extends EventType>(
    type: T,
    partition: number,
    subject: string,
    data: EventData<T>,
    timeMs: number,
    traceparent?: string,
  ): string {
    const sequence = this.next(partition);
    const { start, middle, end } = this.frameOf(type);
    const head = `${start}${partition}/${sequence}${middle}${this.timeText(timeMs)}","subject":${JSON.stringify(subject)}${end}${sequence}`;
    const trace = traceparent === undefined ? '' : `,"traceparent":"${traceparent}"`;
    return `${head}${trace},"data":${JSON.stringify(data)}}`;
  }

  private next(partition: number): number {
    const sequence = (this.sequences[partition] ?? 0) + 1;
    this.sequences[partition] = sequence;
    return sequence;
  }

  private frameOf(type: EventType): Frame {
    const known = this.frames.get(type);
    if (known) return known;
    const { name, bootId, source } = this;
    const made: Frame = {
      start: `{"specversion":"1.0","id":${open(`${name}/${bootId}/`)}`,
      middle: `","source":${JSON.stringify(source)},"type":"${type}","time":"`,
      end: `,"datacontenttype":"application/json","dataschema":"${schemaIdOf(type)}","bootid":${JSON.stringify(bootId)},"sequence":`,
    };
    this.frames.set(type, made);
    return made;
  }

  private timeText(timeMs: number): string {
    if (timeMs !== this.lastTimeMs) {
      this.lastTime = new Date(timeMs).toISOString();
      this.lastTimeMs = timeMs;
    }
    return this.lastTime;
  }
}

/** A JSON text that goes on: without its closing quote. */
function open(text: string): string {
  return JSON.stringify(text).slice(0, -1);
}
