import type { Bell } from '../bell.js';
import type { Reader } from './reader.js';

/** How often another process's commits are looked for; one look costs some microseconds. */
const LOOK_EVERY_MS = 100;

/** Rings the bells of those who wait for records or for changes of their group: at once for our own appends, after a look for those of others. */
export class Watcher {
  private readonly reader: Reader;
  /** False for a database in memory, which nobody else can write. */
  private readonly shared: boolean;
  private readonly onMembership: () => void;
  private readonly bells = new Map<number, Set<Bell>>();
  private timer: NodeJS.Timeout | undefined;
  private watches = 0;
  private version = 0;
  private membership = 0;
  private ends = new Map<number, number>();

  constructor(reader: Reader, shared: boolean, onMembership: () => void) {
    this.reader = reader;
    this.shared = shared;
    this.onMembership = onMembership;
  }

  /**
   * Rings `bell` whenever one of the partitions has grown, until the returned function is called. A group member watches with no partition, to hear
   * of changes of its group. While anybody watches, the process stays alive.
   */
  watch(partitionIds: readonly number[], bell: Bell): () => void {
    this.watches += 1;
    for (const id of partitionIds) this.bellsOf(id).add(bell);
    if (this.shared) this.timer ??= setInterval(() => this.look(), LOOK_EVERY_MS);
    return () => {
      for (const id of partitionIds) this.remove(id, bell);
      this.watches -= 1;
      if (this.watches > 0) return;
      clearInterval(this.timer);
      this.timer = undefined;
    };
  }

  /** To be called when records of ours were stored. */
  appended(partitionIds: Iterable<number>): void {
    for (const id of partitionIds) this.bells.get(id)?.forEach((bell) => bell.ring());
  }

  private look(): void {
    try {
      const version = this.reader.dataVersion();
      if (version === this.version) return;
      this.lookCloser();
      this.version = version; // Last, so that what could not be read now is looked for again.
    } catch {
      this.appended(this.bells.keys()); // Whoever wakes up and reads meets the error where it can be reported.
    }
  }

  private lookCloser(): void {
    const before = this.ends;
    this.ends = this.reader.ends();
    this.appended([...this.ends].filter(([id, end]) => before.get(id) !== end).map(([id]) => id));
    const membership = this.reader.membershipVersion();
    if (membership === this.membership) return;
    this.membership = membership;
    this.onMembership();
  }

  private bellsOf(id: number): Set<Bell> {
    const bells = this.bells.get(id) ?? new Set();
    this.bells.set(id, bells);
    return bells;
  }

  private remove(id: number, bell: Bell): void {
    const bells = this.bells.get(id);
    bells?.delete(bell);
    if (bells?.size === 0) this.bells.delete(id);
  }
}
