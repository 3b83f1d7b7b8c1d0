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

  record<T extends LifecycleEventType>(type: T, data: EventData<T>): void {
    this.counters.note(type, data);
    this.outbox.offer(type, data.request_id, data);
  }
}
