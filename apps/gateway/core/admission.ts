export type Entry =
  | 'admitted'
  | 'queued'
  /** The queue is full. */
  | 'refused'
  /** The tenant's own share of the queue is full. */
  | 'tenant_refused';

/** Who is served next: whoever has waited longest, or the tenants in turn. */
export const QUEUE_ORDERS = ['arrival', 'tenants'] as const;
export type QueueOrder = (typeof QUEUE_ORDERS)[number];

export interface AdmissionLimits {
  readonly maxConcurrent: number;
  readonly maxQueue: number;
  /** Of one tenant; no limit of its own where undefined. Whoever names no tenant shares one with all who do not. */
  readonly maxConcurrentPerTenant?: number | undefined;
  readonly maxQueuePerTenant?: number | undefined;
}

interface Waiting<T> {
  readonly guest: T;
  readonly tenant: string;
}

/**
 * Lets at most `maxConcurrent` in at a time, and of each tenant at most `maxConcurrentPerTenant`; the next `maxQueue` wait. Nobody waits
 * while there is room both for all and for the own tenant. It keeps no time: whoever waits too long leaves by itself.
 */
export class Admission<T> {
  private inside = 0;
  private leaving = 0;
  private queued = 0;
  private peak = 0;
  private recentPeak = 0;
  private readonly insideOf = new Map<string, number>();
  /** Lines of those who wait, the line whose turn it is first: one for each tenant, or one for all. */
  private readonly lines = new Map<string, Waiting<T>[]>();

  constructor(
    private current: AdmissionLimits,
    private readonly order: QueueOrder = 'arrival',
  ) {}

  get limits(): AdmissionLimits {
    return this.current;
  }

  /** Those admitted whose end has not come: they hold a place, or their answer is still on its way to a slow client. */
  get running(): number {
    return this.inside + this.leaving;
  }

  get waiting(): number {
    return this.queued;
  }

  /** The greatest `running` so far. */
  get peakRunning(): number {
    return this.peak;
  }

  /** The greatest `running` since this was last asked. */
  takeRecentPeak(): number {
    const taken = this.recentPeak;
    this.recentPeak = this.running;
    return taken;
  }

  /** How many of one tenant may hold a place at the same time. */
  get placesOfTenant(): number {
    const { maxConcurrent, maxConcurrentPerTenant = maxConcurrent } = this.current;
    return Math.min(maxConcurrent, maxConcurrentPerTenant);
  }

  waitingOf(tenant: string): number {
    const line = this.lines.get(this.lineOf(tenant)) ?? [];
    return this.order === 'tenants' ? line.length : line.filter((waiting) => waiting.tenant === tenant).length;
  }

  enter(guest: T, tenant = ''): Entry {
    if (this.inside < this.current.maxConcurrent && this.hasRoom(tenant)) {
      this.admit(tenant);
      return 'admitted';
    }
    if (this.queued >= this.current.maxQueue) return 'refused';
    const { maxQueuePerTenant } = this.current;
    if (maxQueuePerTenant !== undefined && this.waitingOf(tenant) >= maxQueuePerTenant) return 'tenant_refused';
    this.queued += 1;
    const line = this.lines.get(this.lineOf(tenant));
    if (line) line.push({ guest, tenant });
    else this.lines.set(this.lineOf(tenant), [{ guest, tenant }]);
    return 'queued';
  }

  /** Gives up a place in the queue, which is free at once; one that does not wait has none to give up. */
  leaveQueue(guest: T): void {
    for (const [name, line] of this.lines) {
      const at = line.findIndex((waiting) => waiting.guest === guest);
      if (at === -1) continue;
      this.takeOut(name, line, at);
      return;
    }
  }

  /** Gives back the place of one that was admitted. Answers who takes it over: that one is admitted from now on. */
  release(tenant = ''): T | undefined {
    this.inside -= 1;
    const left = (this.insideOf.get(tenant) ?? 0) - 1;
    if (left > 0) this.insideOf.set(tenant, left);
    else this.insideOf.delete(tenant);
    return this.admitNext();
  }

  /** Like `release`, for one whose end is still to come; it counts as running until `endDelivery`. */
  releaseEarly(tenant = ''): T | undefined {
    this.leaving += 1;
    return this.release(tenant);
  }

  endDelivery(): void {
    this.leaving -= 1;
  }

  /** Those inside and those who wait stay, whatever the new limits are. Answers who is admitted from now on, in their order. */
  setLimits(limits: AdmissionLimits): readonly T[] {
    this.current = limits;
    const admitted: T[] = [];
    for (let next = this.admitNext(); next !== undefined; next = this.admitNext()) admitted.push(next);
    return admitted;
  }

  private admitNext(): T | undefined {
    if (this.inside >= this.current.maxConcurrent) return undefined;
    for (const [name, line] of this.lines) {
      const at = this.current.maxConcurrentPerTenant === undefined ? 0 : line.findIndex(({ tenant }) => this.hasRoom(tenant));
      if (at === -1) continue;
      const { guest, tenant } = this.takeOut(name, line, at);
      this.passTurn(name);
      this.admit(tenant);
      return guest;
    }
    return undefined;
  }

  private takeOut(name: string, line: Waiting<T>[], at: number): Waiting<T> {
    const taken = at === 0 ? line.shift()! : line.splice(at, 1)[0]!;
    if (line.length === 0) this.lines.delete(name);
    this.queued -= 1;
    return taken;
  }

  /** A Map keeps the order in which its keys were set. */
  private passTurn(name: string): void {
    const line = this.lines.size > 1 ? this.lines.get(name) : undefined;
    if (!line) return;
    this.lines.delete(name);
    this.lines.set(name, line);
  }

  private lineOf(tenant: string): string {
    return this.order === 'tenants' ? tenant : '';
  }

  private hasRoom(tenant: string): boolean {
    const { maxConcurrentPerTenant } = this.current;
    return maxConcurrentPerTenant === undefined || (this.insideOf.get(tenant) ?? 0) < maxConcurrentPerTenant;
  }

  private admit(tenant: string): void {
    this.inside += 1;
    this.insideOf.set(tenant, (this.insideOf.get(tenant) ?? 0) + 1);
    this.peak = Math.max(this.peak, this.running);
    this.recentPeak = Math.max(this.recentPeak, this.running);
  }
}
