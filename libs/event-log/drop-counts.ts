/** Counts of dropped events, by their type; `unknown` where it could not be read any more. */
export class DropCounts {
  private readonly counts = new Map<string, number>();
  private sum = 0;

  get total(): number {
    return this.sum;
  }

  get byType(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.counts);
  }

  add(type: string, count = 1): void {
    if (count === 0) return;
    this.sum += count;
    this.counts.set(type, (this.counts.get(type) ?? 0) + count);
  }

  /** Counts an event by what its record says; only types of ours, which are few, are told apart. */
  addRecord(value: Uint8Array | null, types: ReadonlySet<string>): void {
    const type = typeOf(value);
    this.add(type !== undefined && types.has(type) ? type : 'unknown');
  }
}

function typeOf(value: Uint8Array | null): string | undefined {
  try {
    const event = JSON.parse(Buffer.from(value ?? []).toString()) as { type?: unknown } | null;
    return typeof event?.type === 'string' ? event.type : undefined;
  } catch {
    return undefined;
  }
}
