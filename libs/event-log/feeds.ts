/** The feeds of one group member, by partition. */
export class Feeds<Feed extends { stop(): Promise<void> }> {
  private readonly byPartition = new Map<number, Feed>();
  private readonly make: (partition: number) => Feed;
  private readonly onFailure: (cause: unknown) => void;

  /** `onFailure` is told when a feed cannot be stopped properly; it is out all the same. */
  constructor(make: (partition: number) => Feed, onFailure: (cause: unknown) => void) {
    this.make = make;
    this.onFailure = onFailure;
  }

  get partitions(): readonly number[] {
    return [...this.byPartition.keys()];
  }

  all(): readonly Feed[] {
    return [...this.byPartition.values()];
  }

  of(partition: number): Feed | undefined {
    return this.byPartition.get(partition);
  }

  /** Does nothing for a partition that is fed already. */
  start(partition: number): void {
    if (!this.byPartition.has(partition)) this.byPartition.set(partition, this.make(partition));
  }

  /** Resolves when all of them have stopped. Never rejects. */
  async stop(partitions: readonly number[]): Promise<void> {
    await Promise.all(partitions.map((partition) => this.stopOne(partition)));
  }

  private async stopOne(partition: number): Promise<void> {
    try {
      await this.byPartition.get(partition)?.stop();
    } catch (error) {
      this.onFailure(error);
    }
    this.byPartition.delete(partition);
  }
}
