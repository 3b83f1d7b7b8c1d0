import type { EventData } from '#libs/contracts';
import type { Outbox } from '#libs/event-log';
import type { Counters } from '../core/counters.js';
import type { LifecycleEventType } from '../core/lifecycle.js';

/** Counts the events of requests and hands them to the outbox, keyed by request. Never blocks, never throws. */
export class RequestRecorder {
  constructor(
    private readonly outbox: Outbox,
    private readonly counters: Counters,
  ) {}

  /** The partition that all events of a request go to, though the topic may be given more of them before the request ends. */
  partitionOf(requestId: string): number {
    return this.outbox.partitionFor(requestId);
  }

  record<T extends LifecycleEventType>(partition: number, type: T, data: EventData<T>, traceparent: string | undefined): void {
    this.counters.note(type, data);
    this.outbox.offerTo(partition, type, data.request_id, data, data.request_id, traceparent);
  }
}
