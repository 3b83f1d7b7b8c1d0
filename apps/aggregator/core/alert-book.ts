import type { AlertDocument, AlertState } from '#libs/contracts';
import type { AlertInputs, AlertRule } from './alert-rules.js';
import { round } from './round.js';

/** How long a resolved alert says so before it is inactive again. */
const RESOLVED_SHOWN_MS = 900_000;

interface Entry {
  state: AlertState;
  sinceMs: number;
  value: number;
}

/** Words an alert in the operator's language. */
export type AlertWording = (rule: AlertRule, value: number) => string;

/** The state of every alert: `inactive → pending (for) → firing → resolved`, or `unknown` while the data is stale. */
export class AlertBook {
  private readonly entries: ReadonlyMap<AlertRule, Entry>;

  constructor(
    rules: readonly AlertRule[],
    private readonly wording: AlertWording,
    startedMs: number,
  ) {
    this.entries = new Map(rules.map((rule) => [rule, { state: 'inactive', sinceMs: startedMs, value: 0 }]));
  }

  /** Moves every alert on. Returns those whose state changed. */
  evaluate(inputs: AlertInputs, nowMs: number): readonly AlertDocument[] {
    const changed: AlertDocument[] = [];
    for (const [rule, entry] of this.entries) {
      const state = rule.isStale(inputs) ? 'unknown' : this.step(rule, entry, inputs, nowMs);
      if (state === entry.state) continue;
      entry.state = state;
      entry.sinceMs = nowMs;
      changed.push(this.document(rule, entry));
    }
    return changed;
  }

  all(): readonly AlertDocument[] {
    return [...this.entries].map(([rule, entry]) => this.document(rule, entry));
  }

  firing(): readonly AlertDocument[] {
    return this.all().filter(({ state }) => state === 'firing');
  }

  private step(rule: AlertRule, entry: Entry, inputs: AlertInputs, nowMs: number): AlertState {
    const value = rule.value(inputs);
    entry.value = value ?? 0;
    if (value !== undefined && value > rule.threshold) return this.violated(rule, entry, nowMs);
    if (entry.state === 'firing') return 'resolved';
    return entry.state === 'resolved' && nowMs - entry.sinceMs < RESOLVED_SHOWN_MS ? 'resolved' : 'inactive';
  }

  private violated(rule: AlertRule, entry: Entry, nowMs: number): AlertState {
    if (entry.state === 'firing' || rule.forMs === 0) return 'firing';
    return entry.state === 'pending' && nowMs - entry.sinceMs >= rule.forMs ? 'firing' : 'pending';
  }

  private document(rule: AlertRule, { state, sinceMs, value }: Entry): AlertDocument {
    return {
      name: rule.name,
      level: rule.level,
      message: this.wording(rule, value),
      metric: rule.metric,
      value: round(value, 2),
      threshold: rule.threshold,
      state,
      since: new Date(sinceMs).toISOString(),
    };
  }
}
