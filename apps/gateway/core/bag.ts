/** Something that a Bag can hold: it carries its own place, which is the bag's business alone. */
export interface Baggage {
  place: number;
}

/**
 * An unordered collection of what comes and goes quickly. Not a Set: whenever the table of a busy Set is renewed, the old one keeps what it
 * held from being collected until the next full collection, and so every request would live long enough to need one.
 */
export class Bag<T extends Baggage> {
  private readonly items: T[] = [];

  get size(): number {
    return this.items.length;
  }

  add(item: T): void {
    item.place = this.items.length;
    this.items.push(item);
  }

  /** `item` must be in the bag. */
  remove(item: T): void {
    const last = this.items.pop();
    if (last === undefined || last === item) return;
    last.place = item.place;
    this.items[item.place] = last;
  }

  /** What is in the bag at this moment. */
  contents(): readonly T[] {
    return [...this.items];
  }
}
