import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Admission, type AdmissionLimits } from './admission.js';

/** The same rules in the plainest form. */
class ListAdmission {
  running = 0;
  readonly queue: number[] = [];

  constructor(
    private readonly maxConcurrent: number,
    private readonly maxQueue: number,
  ) {}

  get waiting(): number {
    return this.queue.length;
  }

  enter(guest: number): string {
    if (this.running < this.maxConcurrent) {
      this.running += 1;
      return 'admitted';
    }
    if (this.queue.length === this.maxQueue) return 'refused';
    this.queue.push(guest);
    return 'queued';
  }

  leaveQueue(guest: number): void {
    if (this.queue.includes(guest)) this.queue.splice(this.queue.indexOf(guest), 1);
  }

  release(): number | undefined {
    const next = this.queue.shift();
    if (next === undefined) this.running -= 1;
    return next;
  }
}

/** A number takes the one at that place of the queue out of it; `before` is how the queue stands. */
function act(admission: Admission<number> | ListAdmission, call: 'enter' | 'release' | number, guest: number, before: ListAdmission) {
  if (call === 'enter') return admission.enter(guest);
  if (call === 'release') return before.running > 0 ? admission.release() : undefined;
  return admission.leaveQueue(before.queue[call] ?? -1);
}

describe('Admission', () => {
  it('lets in up to its limit, then up to its queue, then nobody', () => {
    const admission = new Admission<string>({ maxConcurrent: 1, maxQueue: 1 });
    expect(['a', 'b', 'c'].map((guest) => admission.enter(guest))).toEqual(['admitted', 'queued', 'refused']);
    expect(admission).toMatchObject({ running: 1, waiting: 1, peakRunning: 1 });
  });

  it('tells the greatest number inside since it was last asked', () => {
    const admission = new Admission<string>({ maxConcurrent: 3, maxQueue: 0 });
    for (const guest of ['a', 'b', 'c']) admission.enter(guest);
    admission.release();
    expect([admission.takeRecentPeak(), admission.takeRecentPeak()]).toEqual([3, 2]);
    admission.release();
    admission.enter('d');
    expect([admission.takeRecentPeak(), admission.peakRunning]).toEqual([2, 3]);
  });

  it('hands a place to the one who has waited longest', () => {
    const admission = new Admission<string>({ maxConcurrent: 1, maxQueue: 9 });
    for (const guest of ['a', 'b', 'c', 'd']) admission.enter(guest);
    admission.leaveQueue('b');
    expect([admission.release(), admission.release(), admission.release()]).toEqual(['c', 'd', undefined]);
    expect(admission).toMatchObject({ running: 0, waiting: 0, peakRunning: 1 });
  });

  it('frees the place of one who leaves the queue at once', () => {
    const admission = new Admission<string>({ maxConcurrent: 1, maxQueue: 1 });
    admission.enter('a');
    admission.enter('b');
    admission.leaveQueue('b');
    expect(admission.enter('c')).toBe('queued');
  });

  it('can do without a queue', () => {
    const admission = new Admission<string>({ maxConcurrent: 1, maxQueue: 0 });
    expect([admission.enter('a'), admission.enter('b')]).toEqual(['admitted', 'refused']);
  });

  it('agrees with two plain lists under any sequence of calls', () => {
    const limits = fc.record({ maxConcurrent: fc.integer({ min: 1, max: 3 }), maxQueue: fc.integer({ min: 0, max: 3 }) });
    const steps = fc.array(fc.oneof(fc.constant('enter' as const), fc.constant('release' as const), fc.nat(5)), { maxLength: 60 });
    fc.assert(
      fc.property(limits, steps, ({ maxConcurrent, maxQueue }, calls) => {
        const admission = new Admission<number>({ maxConcurrent, maxQueue });
        const model = new ListAdmission(maxConcurrent, maxQueue);
        for (const [guest, call] of calls.entries()) {
          expect(act(admission, call, guest, model)).toBe(act(model, call, guest, model));
          expect([admission.running, admission.waiting]).toEqual([model.running, model.waiting]);
        }
      }),
    );
  });

  it('says of a limit that was raised who comes in, and waits under one that was lowered', () => {
    const admission = new Admission<string>({ maxConcurrent: 1, maxQueue: 9 });
    for (const guest of ['a', 'b', 'c', 'd']) admission.enter(guest);
    expect(admission.setLimits({ maxConcurrent: 3, maxQueue: 0 })).toEqual(['b', 'c']);
    expect(admission.enter('e')).toBe('refused');
    expect(admission.setLimits({ maxConcurrent: 1, maxQueue: 9 })).toEqual([]);
    expect([admission.release(), admission.release(), admission.release()]).toEqual([undefined, undefined, 'd']);
  });

  it('counts an answer on its way to a slow client as running, but not as a place', () => {
    const admission = new Admission<string>({ maxConcurrent: 1, maxQueue: 9 });
    for (const guest of ['a', 'b']) admission.enter(guest);
    expect(admission.releaseEarly()).toBe('b');
    expect(admission).toMatchObject({ running: 2, waiting: 0, peakRunning: 2 });
    admission.endDelivery();
    expect(admission.running).toBe(1);
  });
});

describe('Admission of tenants', () => {
  it('serves them in turn, each in order of arrival', () => {
    const admission = new Admission<string>({ maxConcurrent: 1, maxQueue: 9 }, 'tenants');
    for (const guest of ['a0', 'a1', 'a2', 'a3', 'b1', 'c1', 'b2']) admission.enter(guest, guest[0]);
    const served = Array.from({ length: 6 }, () => admission.release('a'));
    expect(served).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3']);
  });

  it('forgets the turn of one that has left the queue', () => {
    const admission = new Admission<string>({ maxConcurrent: 1, maxQueue: 9 }, 'tenants');
    for (const guest of ['a0', 'a1', 'a2', 'b1']) admission.enter(guest, guest[0]);
    admission.leaveQueue('a1');
    admission.leaveQueue('a2');
    expect(admission.enter('a3', 'a')).toBe('queued');
    expect([admission.release('a'), admission.release('b')]).toEqual(['b1', 'a3']);
  });

  it('lets others pass one that has all the places it may have', () => {
    const limits = { maxConcurrent: 3, maxQueue: 9, maxConcurrentPerTenant: 2 };
    for (const order of ['arrival', 'tenants'] as const) {
      const admission = new Admission<string>(limits, order);
      const entries = ['a1', 'a2', 'a3', 'a4', 'b1', 'b2'].map((guest) => admission.enter(guest, guest[0]));
      expect(entries).toEqual(['admitted', 'admitted', 'queued', 'queued', 'admitted', 'queued']);
      expect([admission.release('b'), admission.release('a'), admission.release('a')]).toEqual(['b2', 'a3', 'a4']);
      expect(admission).toMatchObject({ running: 3, waiting: 0 });
    }
  });

  it('refuses one whose share of the queue is full, and no other', () => {
    for (const order of ['arrival', 'tenants'] as const) {
      const admission = new Admission<string>({ maxConcurrent: 1, maxQueue: 3, maxQueuePerTenant: 1 }, order);
      const entries = ['a', 'a', 'a', 'b', 'b', 'c', 'd'].map((tenant, guest) => admission.enter(`${guest}`, tenant));
      expect(entries).toEqual(['admitted', 'queued', 'tenant_refused', 'queued', 'tenant_refused', 'queued', 'refused']);
      expect([admission.waitingOf('a'), admission.waitingOf('d')]).toEqual([1, 0]);
    }
  });

  it('keeps every limit, wastes no place and lets nobody of a tenant pass another, whatever is called', () => {
    const small = fc.integer({ min: 1, max: 4 });
    const limits = fc.record({ maxConcurrent: small, maxQueue: fc.nat(8), maxConcurrentPerTenant: small, maxQueuePerTenant: small });
    const step = fc.record({
      call: fc.constantFrom('enter', 'enter', 'release', 'leave', 'limits'),
      tenant: fc.nat(2),
      at: fc.nat(9),
      limits,
    });
    fc.assert(
      fc.property(
        limits,
        fc.constantFrom('arrival' as const, 'tenants' as const),
        fc.array(step, { maxLength: 80 }),
        (first, order, steps) => {
          const house = new House(first, order);
          for (const [guest, what] of steps.entries()) house.act(what, { guest, tenant: `t${what.tenant}` });
          expect(house.complaints).toEqual([]);
        },
      ),
    );
  });
});

interface Guest {
  readonly guest: number;
  readonly tenant: string;
}

interface Step {
  readonly call: string;
  readonly at: number;
  readonly limits: AdmissionLimits;
}

/** Keeps the lists that the admission keeps in its own way, and complains where the two do not agree. */
class House {
  readonly complaints: string[] = [];
  private readonly admission: Admission<Guest>;
  private readonly inside: Guest[] = [];
  private readonly waiting: Guest[] = [];

  constructor(limits: AdmissionLimits, order: 'arrival' | 'tenants') {
    this.admission = new Admission(limits, order);
  }

  act({ call, at, limits }: Step, guest: Guest): void {
    if (call === 'enter') this.enter(guest);
    else if (call === 'release') this.release(at);
    else if (call === 'leave') this.leave(at);
    else for (const admitted of this.admission.setLimits(limits)) this.moveUp(admitted);
    if (this.inside.length !== this.admission.running) this.complaints.push('running');
    if (this.waiting.length !== this.admission.waiting) this.complaints.push('waiting');
    if (this.waiting.some(({ tenant }) => this.hasRoom(tenant))) this.complaints.push('one waits although there is room');
  }

  private enter(guest: Guest): void {
    const hadRoom = this.hasRoom(guest.tenant);
    const entry = this.admission.enter(guest, guest.tenant);
    if ((entry === 'admitted') !== hadRoom) this.complaints.push(`${entry} with${hadRoom ? '' : 'out'} room`);
    if (entry === 'admitted') this.inside.push(guest);
    if (entry === 'queued') this.waiting.push(guest);
  }

  private release(at: number): void {
    const [gone] = this.inside.splice(at % Math.max(this.inside.length, 1), 1);
    const next = gone && this.admission.release(gone.tenant);
    if (next) this.moveUp(next);
  }

  private leave(at: number): void {
    const [gone] = this.waiting.splice(at % Math.max(this.waiting.length, 1), 1);
    if (gone) this.admission.leaveQueue(gone);
  }

  private moveUp(guest: Guest): void {
    if (!this.hasRoom(guest.tenant)) this.complaints.push('one too many');
    const firstOfTenant = this.waiting.findIndex(({ tenant }) => tenant === guest.tenant);
    if (this.waiting[firstOfTenant] !== guest) this.complaints.push('out of turn');
    this.waiting.splice(firstOfTenant, 1);
    this.inside.push(guest);
  }

  private hasRoom(tenant: string): boolean {
    const { maxConcurrent, maxConcurrentPerTenant = maxConcurrent } = this.admission.limits;
    const ofTenant = this.inside.filter((guest) => guest.tenant === tenant).length;
    return this.inside.length < maxConcurrent && ofTenant < maxConcurrentPerTenant;
  }
}
