import { setImmediate as nextTurn } from 'node:timers/promises';
import { VERSION } from '#libs/runtime';
import type { AlertDocument, MetricsDocument } from '#libs/contracts';
import { AlertBook } from '../core/alert-book.js';
import { ALERT_RULES, type AlertInputs } from '../core/alert-rules.js';
import { alertWording } from '../core/alert-wording.js';
import { clockOf, gatewaySilenceSeconds, gpuAgeSeconds, memoryPercent } from '../core/fleet-gauges.js';
import { fleetNumbers, WINDOW_MS, type FleetNumbers, type MetricsQuery } from '../core/fleet-numbers.js';
import { spanOf } from '../core/fleet-totals.js';
import type { FleetView } from '../core/fleet-view.js';
import { hashOf } from '../core/hash.js';
import { errorRatePercent, metricsDocument } from '../core/metrics-document.js';

/** A view that has not moved for this long is not believed. */
const STALE_AFTER_MS = 10_000;
/** Answers kept for one version of the view: clients choose the models and tenants that they ask for. */
const MAX_KEPT = 100;
/** Equal for two answers from the same state of the fleet, whichever replica gave them. */
export const OFFSET_HEADER = 'x-fleet-offset';
export const DEFAULT_QUERY: MetricsQuery = { window: '5m' };

/** The numbers of a query, and what was written from them. */
interface Answer {
  readonly numbers: FleetNumbers;
  document?: MetricsDocument;
}

/** Every answer about the fleet, from one view. Numbers are summed once for each new version of the view, whoever asks. */
export class FleetAnswers {
  private readonly alerts: AlertBook;
  private readonly kept = new Map<string, Answer>();
  private keptVersion = -1;
  private freshVersion = -1;
  private freshAtMs = performance.now();

  constructor(
    readonly view: FleetView,
    locale: 'en' | 'zh',
  ) {
    this.alerts = new AlertBook(ALERT_RULES, alertWording(locale), Date.now());
  }

  /** Milliseconds since the view last moved, by this process's monotonic clock. */
  get viewAgeMs(): number {
    return performance.now() - this.freshAtMs;
  }

  get stale(): boolean {
    return this.viewAgeMs > STALE_AFTER_MS;
  }

  /** Sums the longest window minute by minute, so that no answer has to do it all at once. Resolves when that is done. */
  async warmUp(): Promise<void> {
    const states = this.view.states('requests');
    for (let windowMs = WINDOW_MS['1m']; windowMs <= WINDOW_MS['1h']; windowMs += WINDOW_MS['1m']) {
      this.view.windows.byModel(states, spanOf(clockOf(states), windowMs).fromMs);
      await nextTurn();
    }
  }

  /** Moves staleness and alerts on; to be called about once a second. Returns the alerts that changed. */
  tick(): readonly AlertDocument[] {
    if (this.view.version !== this.freshVersion) {
      this.freshVersion = this.view.version;
      this.freshAtMs = performance.now();
    }
    const changed = this.alerts.evaluate(this.alertInputs(), this.alertTimeMs());
    // What was written before is out of date: the documents tell of alerts, and of a view that has become stale.
    if (changed.length > 0 || this.stale) for (const answer of this.kept.values()) delete answer.document;
    return changed;
  }

  allAlerts(): readonly AlertDocument[] {
    return this.alerts.all();
  }

  document(query: MetricsQuery): MetricsDocument {
    const nowMs = Date.now();
    const answer = this.answer(query);
    answer.document ??= metricsDocument(this.view, answer.numbers, {
      nowMs,
      version: VERSION,
      alerts: this.alerts.firing(),
      stale: this.stale,
    });
    return { ...answer.document, timestamp: new Date(nowMs).toISOString() };
  }

  /**
   * What the document stands on: equal only for documents of one query that say the same, whichever replicas gave them, but for the time.
   * Each replica judges the alerts when it looks, so they are in it.
   */
  offsetOf({ status, alerts }: MetricsDocument): string {
    return hashOf(JSON.stringify([this.view.offset, status, alerts]));
  }

  private answer(query: MetricsQuery): Answer {
    if (this.keptVersion !== this.view.version || this.kept.size >= MAX_KEPT) this.kept.clear();
    this.keptVersion = this.view.version;
    const key = JSON.stringify([query.window, query.model, query.tenant]);
    const found = this.kept.get(key);
    if (found) return found;
    const made = { numbers: fleetNumbers(this.view, query) };
    this.kept.set(key, made);
    return made;
  }

  /** The log's time, so that a replica's own clock does not show; that stands still while the view is cut off, and there is none at first. */
  private alertTimeMs(): number {
    const { logTimeMs } = this.answer(DEFAULT_QUERY).numbers.clock;
    if (logTimeMs === 0) return Date.now();
    return logTimeMs + (this.stale ? this.viewAgeMs : 0);
  }

  private alertInputs(): AlertInputs {
    const { totals, figures, gpus, gpuClock } = this.answer(DEFAULT_QUERY).numbers;
    // Time stands still in a view that is cut off from the log; then this process's own clock tells how long nobody was heard of.
    const cutOffSeconds = this.stale ? this.viewAgeMs / 1000 : 0;
    return {
      waiting: totals.waiting,
      ttftP95Seconds: figures.ttft.quantile(0.95),
      errorRatePercent: errorRatePercent(figures),
      gpuMemoryPercent: gpus.length > 0 ? memoryPercent(gpus) : undefined,
      gpuAgeSeconds: gpuAgeSeconds(gpus, gpuClock),
      gatewaySilenceSeconds: gatewaySilenceSeconds(this.view.states('requests')) + cutOffSeconds,
      lagSeconds: this.view.lagMs / 1000,
      isViewStale: this.stale,
    };
  }
}
