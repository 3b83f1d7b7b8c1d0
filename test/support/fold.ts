import fc from 'fast-check';
import { EventSource, type InferometerEvent } from '#libs/contracts';
import { eventsOf, heartbeat, LIMITS, onePlanned, stampedBy, START_MS, type TestRecord } from './traffic.js';
import { Totals, totalsBy } from '../../apps/aggregator/core/fleet-totals.js';
import { PartitionState } from '../../apps/aggregator/core/partition-state.js';

export const gateway = (boot = 'boot-1', id = 'gw') => new EventSource(`/gateways/${id}`, boot);

/** Applies the records to `state` and returns it. */
export function fold(records: readonly TestRecord[], state = new PartitionState(LIMITS)): PartitionState {
  for (const record of records) state.apply(record, record.decoded);
  return state;
}

export function totals(...states: readonly PartitionState[]): Totals {
  return totalsBy(states, () => 'all').get('all') ?? new Totals();
}

export const beat = (source: EventSource, atMs: number): InferometerEvent => heartbeat(source, 0, atMs);

export const at = (event: InferometerEvent, offset: number, timestampMs: number): TestRecord => ({
  offset: BigInt(offset),
  timestampMs,
  decoded: { ok: true, value: event },
});

/** The id of a trace that is told apart by its number; 0 is that of none. */
export const traceId = (number: number): string => number.toString(16).padStart(32, '0');

/** The event, from a client that named its trace. */
export const tracedBy = (event: InferometerEvent, number: number): InferometerEvent => ({
  ...event,
  traceparent: `00-${traceId(number)}-00f067aa0ba902b7-01`,
});

/** What happens next in a partition with some gateways that live, die, come back and lose events. */
type Step =
  | { readonly kind: 'request'; readonly gateway: number; readonly end: 'completed' | 'failed' | 'cancelled' | undefined }
  | { readonly kind: 'end' | 'heartbeat' | 'reboot' | 'lose' | 'repeat' | 'hold' | 'release'; readonly gateway: number }
  | { readonly kind: 'pass'; readonly ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('request' as const),
    gateway: fc.nat(2),
    end: fc.constantFrom('completed', 'failed', 'cancelled', undefined),
  }),
  fc.record({
    kind: fc.constantFrom('end', 'heartbeat', 'heartbeat', 'reboot', 'lose', 'repeat', 'hold', 'release'),
    gateway: fc.nat(2),
  }),
  fc.record({ kind: fc.constant('pass' as const), ms: fc.constantFrom(10, 900, 3_000, 9_000, 700_000, 3_600_000, -90_000) }),
);

/** The records of a partition in hard times: lives end, events are lost, repeated and late, the log's clock jumps. */
export const hardTimes: fc.Arbitrary<readonly TestRecord[]> = fc.array(step, { maxLength: 60 }).map((steps) => {
  const times = new HardTimes();
  for (const one of steps) times.take(one);
  return times.records;
});

interface Life {
  source: EventSource;
  boots: number;
  readonly open: string[];
  /** Events written and not delivered yet. */
  readonly held: InferometerEvent[];
  isHolding: boolean;
}

class HardTimes {
  readonly records: TestRecord[] = [];
  private nowMs = START_MS;
  private requests = 0;
  private readonly lives: Life[] = [0, 1, 2].map((id) => ({
    source: gateway('boot-0', `gw-${id}`),
    boots: 0,
    open: [],
    held: [],
    isHolding: false,
  }));

  take(next: Step): void {
    if (next.kind === 'pass') this.nowMs += next.ms;
    else this.act(next, this.lives[next.gateway]!, next.gateway);
  }

  private act(next: Exclude<Step, { kind: 'pass' }>, life: Life, id: number): void {
    if (next.kind === 'request') this.request(life, next.end);
    if (next.kind === 'end') this.endOldest(life);
    if (next.kind === 'heartbeat') this.deliver(life, beat(life.source, this.nowMs));
    if (next.kind === 'lose') beat(life.source, this.nowMs);
    if (next.kind === 'repeat') this.append(this.records.at(-1 - id)?.decoded);
    if (next.kind === 'hold') life.isHolding = true;
    if (next.kind === 'release') this.release(life);
    if (next.kind !== 'reboot') return;
    life.boots += 1;
    life.source = gateway(`boot-${life.boots}`, `gw-${id}`);
    life.open.length = 0;
    life.isHolding = false;
  }

  private request(life: Life, end: 'completed' | 'failed' | 'cancelled' | undefined): void {
    this.requests += 1;
    const planned = onePlanned({ id: `req-${this.requests}`, end, started: this.requests % 2 === 0, pick: this.requests });
    for (const event of eventsOf(planned, life.source, 0, this.nowMs)) this.deliver(life, tracedBy(event, this.requests % 5));
    if (end === undefined) life.open.push(planned.id);
  }

  private endOldest(life: Life): void {
    const id = life.open.shift();
    if (id === undefined) return;
    const events = eventsOf(onePlanned({ id, end: 'completed' }), new EventSource('/gateways/draft', 'draft'), 0, this.nowMs);
    this.deliver(life, tracedBy(stampedBy(life.source, events.at(-1)!), life.boots + 1));
  }

  /** Holds one event back if it was told to: those that are written after it overtake it. */
  private deliver(life: Life, event: InferometerEvent): void {
    if (life.isHolding) life.held.push(event);
    else this.append({ ok: true, value: event });
    life.isHolding = false;
  }

  private release(life: Life): void {
    for (const event of life.held.splice(0)) this.append({ ok: true, value: event });
  }

  private append(decoded: TestRecord['decoded'] | undefined): void {
    if (decoded) this.records.push({ offset: BigInt(this.records.length), timestampMs: this.nowMs, decoded });
  }
}
