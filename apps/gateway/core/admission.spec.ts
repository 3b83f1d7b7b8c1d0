import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Admission } from './admission.js';

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
});
