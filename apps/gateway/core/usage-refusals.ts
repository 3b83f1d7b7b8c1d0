const REMEMBERED_MS = 3_600_000;
const MAX_MODELS = 1_000;

/** The models whose server does not know `stream_options`. Each is given another chance after an hour: servers are updated. */
export class UsageRefusals {
  private readonly untilMs = new Map<string, number>();

  note(model: string, nowMs: number): void {
    this.untilMs.delete(model);
    this.untilMs.set(model, nowMs + REMEMBERED_MS);
    if (this.untilMs.size <= MAX_MODELS) return;
    for (const oldest of this.untilMs.keys()) {
      this.untilMs.delete(oldest);
      return;
    }
  }

  has(model: string, nowMs: number): boolean {
    return this.untilMs.size > 0 && nowMs < (this.untilMs.get(model) ?? 0);
  }
}
