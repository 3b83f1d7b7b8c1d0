import type { Outbox } from '#libs/event-log';
import { counter, gauge, OUTBOX_INSTRUMENTS, outboxReadings, type Instruments, type ProcessMetrics } from '#libs/process-metrics';
import type { Admission } from '../core/admission.js';
import type { Counters } from '../core/counters.js';
import type { Upstreams } from '../out/upstreams.js';

/** What this gateway tells of its own requests; the fleet's are the aggregator's to tell. */
export const GATEWAY_INSTRUMENTS = {
  received: counter('inferometer.gateway.requests.received', '{request}', 'Requests received by this process'),
  ended: counter('inferometer.gateway.requests.ended', '{request}', 'Requests of this process that have ended', 'outcome'),
  running: gauge('inferometer.gateway.requests.running', '{request}', 'Requests at the model server now'),
  waiting: gauge('inferometer.gateway.requests.waiting', '{request}', 'Requests that wait for a place now'),
  upstreamRunning: gauge('inferometer.gateway.upstream.running', '{request}', 'Requests at one model server now', 'upstream'),
  upstreamUp: gauge('inferometer.gateway.upstream.up', '', '0 while one model server is put aside because it failed, else 1', 'upstream'),
} as const satisfies Instruments;

/** Lets the gateway's own /metrics tell of its requests and of its outbox. */
export function observeGateway(
  metrics: ProcessMetrics,
  admission: Admission<unknown>,
  upstreams: Upstreams,
  counters: Counters,
  outbox: Outbox,
): void {
  metrics.observe(OUTBOX_INSTRUMENTS, outboxReadings(outbox));
  metrics.observe(GATEWAY_INSTRUMENTS, (tell) => {
    tell('received', counters.received);
    tell('ended', counters.successful, { outcome: 'successful' });
    tell('ended', sum(counters.failed), { outcome: 'failed' });
    tell('ended', sum(counters.cancelled), { outcome: 'cancelled' });
    tell('running', admission.running);
    tell('waiting', admission.waiting);
    for (const { name, running, setAside } of upstreams.standings()) {
      tell('upstreamRunning', running, { upstream: name });
      tell('upstreamUp', setAside ? 0 : 1, { upstream: name });
    }
  });
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
