import type { DecodeReason } from '#libs/contracts';

/** After something was said, the next is said no sooner than this. */
const SAY_EVERY_MS = 60_000;

/** What has been put aside since the start. */
export interface Aside {
  readonly deadLetters: ReadonlyMap<DecodeReason, number>;
  readonly rejectedRollups: number;
}

/** Says that something could not be understood, so that it need not be found in a number: most often two versions run side by side. */
export class AsideWatch {
  private letters = 0;
  private rollups = 0;
  private nextAtMs = -Infinity;

  /** `version` is our own, `letterTopic` where dead letters are. */
  constructor(
    private readonly warn: (message: string) => void,
    private readonly version: string,
    private readonly letterTopic: string,
  ) {}

  /** To be called about once a second, with the time by a monotonic clock. */
  notice({ deadLetters, rejectedRollups }: Aside, nowMs: number): void {
    const letters = [...deadLetters.values()].reduce((sum, count) => sum + count, 0);
    if (nowMs < this.nextAtMs || (letters === this.letters && rejectedRollups === this.rollups)) return;
    this.nextAtMs = nowMs + SAY_EVERY_MS;
    if (letters > this.letters)
      this.warn(
        `${letters - this.letters} records could not be read and lie in ${this.letterTopic} (since the start: ${byReason(deadLetters)})`,
      );
    if (rejectedRollups > this.rollups) {
      const count = rejectedRollups - this.rollups;
      this.warn(
        `${count} published states are damaged or of another version than this one (${this.version}), and are left aside: run one version of the aggregator`,
      );
    }
    [this.letters, this.rollups] = [letters, rejectedRollups];
  }
}

function byReason(letters: Aside['deadLetters']): string {
  return [...letters].map(([reason, count]) => `${reason} ${count}`).join(', ');
}
