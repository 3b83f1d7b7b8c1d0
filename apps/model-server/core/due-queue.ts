interface Entry<T> {
  readonly dueMs: number;
  readonly order: number;
  readonly item: T;
}

/** A binary heap of things that are due at a time, earliest first; those due together keep the order in which they came. */
export class DueQueue<T> {
  private readonly heap: Entry<T>[] = [];
  private nextOrder = 0;

  get size(): number {
    return this.heap.length;
  }

  /** When the earliest is due, or Infinity. */
  get earliestMs(): number {
    return this.heap[0]?.dueMs ?? Infinity;
  }

  push(item: T, dueMs: number): void {
    const entry = { item, dueMs, order: this.nextOrder };
    this.nextOrder += 1;
    let at = this.heap.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(entry, this.heap[parent]!)) break;
      this.heap[at] = this.heap[parent]!;
      at = parent;
    }
    this.heap[at] = entry;
  }

  /** Takes out the earliest if it is due at `nowMs`. */
  popDue(nowMs: number): T | undefined {
    const top = this.heap[0];
    if (top === undefined || top.dueMs > nowMs) return undefined;
    const last = this.heap.pop()!;
    if (this.heap.length > 0) this.sink(last);
    return top.item;
  }

  private sink(entry: Entry<T>): void {
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.heap.length) break;
      if (child + 1 < this.heap.length && isBefore(this.heap[child + 1]!, this.heap[child]!)) child += 1;
      if (!isBefore(this.heap[child]!, entry)) break;
      this.heap[at] = this.heap[child]!;
      at = child;
    }
    this.heap[at] = entry;
  }
}

function isBefore<T>(a: Entry<T>, b: Entry<T>): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
}
