/** How a request to an upstream went, as far as it tells of the upstream itself. */
export type Fault = 'refused' | 'no_answer';

/** So many requests in a row without an answer, though there were connections, and an upstream is put aside too. */
const PATIENCE = 3;
const FIRST_BACK_OFF_MS = 500;
const MAX_BACK_OFF_MS = 30_000;
const NONE: readonly number[] = [];

/** One upstream as the choice sees it. */
class Standing {
  /** Requests that are there now. */
  busy = 0;
  isAway = false;
  /** When it was chosen last, by the count of choices. */
  lastTurn = 0;
  private unanswered = 0;
  private probes = 0;

  /** True if a request goes here rather than to `other`. */
  isBefore({ busy, lastTurn }: Standing): boolean {
    return this.busy < busy || (this.busy === busy && this.lastTurn < lastTurn);
  }

  /** True if it is put aside from now on. */
  failed(fault: Fault): boolean {
    this.unanswered += 1;
    if (this.isAway || (fault === 'no_answer' && this.unanswered < PATIENCE)) return false;
    this.isAway = true;
    return true;
  }

  /** True if it is back from now on. */
  answered(): boolean {
    const wasAway = this.isAway;
    this.unanswered = 0;
    this.probes = 0;
    this.isAway = false;
    return wasAway;
  }

  nextBackOffMs(): number {
    const waitMs = Math.min(FIRST_BACK_OFF_MS * 2 ** this.probes, MAX_BACK_OFF_MS);
    this.probes += 1;
    return waitMs;
  }
}

/** Which of several upstreams is the next request's: the least busy one that is not put aside, in turn where that leaves a choice. */
export class UpstreamChoice {
  private readonly standings: readonly Standing[];
  private turn = 0;

  constructor(count: number) {
    this.standings = Array.from({ length: count }, () => new Standing());
  }

  /** The index of the upstream. Where all are put aside, the least busy of these: one may be back before its probe has found out. */
  choose(): number {
    return this.leastBusy(false, NONE) ?? this.leastBusy(true, NONE)!;
  }

  /** Another one for a request that those in `tried` did not take; undefined if none is left that is not put aside. */
  chooseAnother(tried: readonly number[]): number | undefined {
    return this.leastBusy(false, tried);
  }

  busyAt(index: number): number {
    return this.standings[index]!.busy;
  }

  isAway(index: number): boolean {
    return this.standings[index]!.isAway;
  }

  /** A request goes to it. */
  begin(index: number): void {
    const standing = this.standings[index]!;
    this.turn += 1;
    standing.busy += 1;
    standing.lastTurn = this.turn;
  }

  /** A request that went to it is over there. */
  finish(index: number): void {
    this.standings[index]!.busy -= 1;
  }

  /** True if it is put aside from now on. */
  failed(index: number, fault: Fault): boolean {
    return this.standings[index]!.failed(fault);
  }

  /** It has answered something, whatever it was. True if it was put aside until now. */
  answered(index: number): boolean {
    return this.standings[index]!.answered();
  }

  /** How long to wait before one that is put aside is probed again: twice as long each time, at most 30 s. */
  nextBackOffMs(index: number): number {
    return this.standings[index]!.nextBackOffMs();
  }

  private leastBusy(takesAway: boolean, tried: readonly number[]): number | undefined {
    const { standings } = this;
    let best: number | undefined;
    for (let index = 0; index < standings.length; index += 1) {
      const standing = standings[index]!;
      if ((standing.isAway && !takesAway) || tried.includes(index)) continue;
      if (best === undefined || standing.isBefore(standings[best]!)) best = index;
    }
    return best;
  }
}
