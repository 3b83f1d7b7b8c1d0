import type { Admission } from '../core/admission.js';
import { QUEUE_TIMEOUT, queueFull, tenantQueueFull, type GatewayError } from '../core/errors.js';
import type { ServiceTime } from '../core/service-time.js';

/** One that asks for a place at the upstream. */
export interface Guest {
  /** It has its place from now on. */
  admit(nowMs: number): void;
}

export interface House {
  readonly admission: Admission<Guest>;
  readonly serviceTime: ServiceTime;
}

/**
 * How long the place of one that was cut off stays taken: the upstream sees the end of the old connection and the next request on another
 * one, and must not see them the wrong way round.
 */
const CUT_GRACE_MS = 10;

/** The way of one guest through admission: into the queue, to a place at the upstream, and out again, once, whatever happens. */
export class Place {
  private hold: 'nothing' | 'place' | 'delivery' = 'nothing';
  private takenAtMs = 0;
  private queueTimer: NodeJS.Timeout | undefined;

  /** Those who name no tenant are one together. */
  constructor(
    private readonly house: House,
    private readonly guest: Guest,
    private readonly tenant: string = '',
  ) {}

  /** True from `take` to the end. */
  get isTaken(): boolean {
    return this.hold !== 'nothing';
  }

  get sinceMs(): number {
    return this.takenAtMs;
  }

  /** Asks for a place. An error is why there is none. */
  ask(): 'admitted' | 'queued' | GatewayError {
    const entry = this.house.admission.enter(this.guest, this.tenant);
    if (entry === 'refused') return this.busy();
    return entry === 'tenant_refused' ? this.busyTenant() : entry;
  }

  /** The guest leaves the queue after `limitMs`, and is told what to answer. */
  limitWait(limitMs: number, tell: (error: GatewayError) => void): void {
    this.queueTimer = setTimeout(() => {
      const { retryAfterSeconds = 1 } = this.busy();
      this.leaveQueue();
      tell({ ...QUEUE_TIMEOUT, retryAfterSeconds });
    }, limitMs);
  }

  /** Admission has given the guest a place. */
  take(nowMs: number): void {
    clearTimeout(this.queueTimer);
    this.hold = 'place';
    this.takenAtMs = nowMs;
  }

  leaveQueue(): void {
    clearTimeout(this.queueTimer);
    if (this.hold === 'nothing') this.house.admission.leaveQueue(this.guest);
  }

  /** The upstream is done, but the guest goes on: its client has not taken the whole answer yet. */
  giveUpEarly(nowMs: number): void {
    this.free(nowMs, true);
  }

  /** The guest has ended; `isCut` if the upstream was left in the middle of its work. To be called once. */
  end(isCut: boolean): void {
    clearTimeout(this.queueTimer);
    if (this.hold === 'delivery') this.house.admission.endDelivery();
    if (isCut) setTimeout(() => this.free(performance.now(), false), CUT_GRACE_MS);
    else this.free(performance.now(), false);
  }

  private free(nowMs: number, isDelivering: boolean): void {
    if (this.hold !== 'place') return;
    const { admission, serviceTime } = this.house;
    serviceTime.note(nowMs - this.takenAtMs);
    this.hold = isDelivering ? 'delivery' : 'nothing';
    const next = isDelivering ? admission.releaseEarly(this.tenant) : admission.release(this.tenant);
    next?.admit(nowMs);
  }

  private busy(): GatewayError {
    const { admission, serviceTime } = this.house;
    const { maxConcurrent, maxQueue } = admission.limits;
    const retryAfterSeconds = serviceTime.retryAfterSeconds(admission.waiting, maxConcurrent);
    return { ...queueFull(admission.waiting, maxQueue), retryAfterSeconds };
  }

  private busyTenant(): GatewayError {
    const { admission, serviceTime } = this.house;
    const waiting = admission.waitingOf(this.tenant);
    const retryAfterSeconds = serviceTime.retryAfterSeconds(waiting, admission.placesOfTenant);
    return { ...tenantQueueFull(waiting, admission.limits.maxQueuePerTenant ?? 0), retryAfterSeconds };
  }
}
