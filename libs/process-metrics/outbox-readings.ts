import type { OUTBOX_INSTRUMENTS } from './instruments.js';
import type { ReadValues } from './observations.js';

/** What an outbox knows of itself. */
export interface OutboxFigures {
  readonly connected: boolean;
  readonly offered: number;
  readonly delivered: { readonly stored: number; readonly batches: number; readonly failures: number; readonly seconds: number };
  readonly queued: number;
  readonly spooled: number;
  readonly spoolBytes: number;
  /** By event type; `unknown` where that cannot be told any more. */
  readonly droppedByType: Readonly<Record<string, number>>;
}

/** Reads what a process tells of its outbox. */
export function outboxReadings(outbox: OutboxFigures): ReadValues<keyof typeof OUTBOX_INSTRUMENTS> {
  return (tell) => {
    tell('connected', outbox.connected ? 1 : 0);
    const { stored, batches, failures, seconds } = outbox.delivered;
    tell('offered', outbox.offered);
    tell('stored', stored);
    tell('appends', batches);
    tell('failures', failures);
    tell('appendTime', seconds);
    tell('queued', outbox.queued);
    tell('spooled', outbox.spooled);
    tell('spoolSize', outbox.spoolBytes);
    // One is there from the start, so that an alert on the sum needs no special case.
    for (const [type, count] of Object.entries({ unknown: 0, ...outbox.droppedByType })) tell('dropped', count, { type });
  };
}
