import { VERSION } from '#libs/runtime';
import type { AlertDocument, MetricsDocument } from '#libs/contracts';
import { AlertBook } from '../core/alert-book.js';
import { ALERT_RULES, type AlertInputs } from '../core/alert-rules.js';
import { alertWording } from '../core/alert-wording.js';
import { gatewaySilenceSeconds } from '../core/fleet-gauges.js';
import { FleetView } from '../core/fleet-view.js';
import { fleetNumbers, metricsDocument, ratesOf, type FleetNumbers, type MetricsQuery } from '../core/metrics-document.js';

/** A view without a new snapshot for this long is not believed. */
const STALE_AFTER_MS = 10_000;
export const DEFAULT_QUERY: MetricsQuery = { window: '5m' };

/** Every answer about the fleet, from one view. Numbers are summed once for each new version of the view, whoever asks. */
export class FleetAnswers {
  private readonly alerts: AlertBook;
  private readonly documents = new Map<string, MetricsDocument>();
  private readonly numbers = new Map<string, FleetNumbers>();
  private cachedVersion = -1;
  private freshVersion = -1;
  private freshAtMs = performance.now();

  constructor(
    readonly view: FleetView,
    locale: 'en' | 'zh',
  ) {
    this.alerts = new AlertBook(ALERT_RULES, alertWording(locale), Date.now());
  }

  /** Milliseconds since the view last took a snapshot, by this process's monotonic clock. */
  get viewAgeMs(): number {
    return performance.now() - this.freshAtMs;
  }

  get stale(): boolean {
    return this.viewAgeMs > STALE_AFTER_MS;
  }

  /** Moves staleness and alerts on; to be called about once a second. Returns the alerts that changed. */
  tick(): readonly AlertDocument[] {
    if (this.view.version !== this.freshVersion) {
      this.freshVersion = this.view.version;
      this.freshAtMs = performance.now();
    }
    const changed = this.alerts.evaluate(this.stale ? undefined : this.alertInputs(), Date.now());
    if (changed.length > 0) this.cachedVersion = -1;
    return changed;
  }

  allAlerts(): readonly AlertDocument[] {
    return this.alerts.all();
  }

  firingAlerts(): readonly AlertDocument[] {
    return this.alerts.firing();
  }

  document(query: MetricsQuery): MetricsDocument {
    const nowMs = Date.now();
    const cached = this.cached(this.documents, query, () =>
      metricsDocument(this.view, query, { nowMs, version: VERSION, alerts: this.firingAlerts(), stale: this.stale }),
    );
    return { ...cached, timestamp: new Date(nowMs).toISOString() };
  }

  fleetNumbers(query: MetricsQuery): FleetNumbers {
    return this.cached(this.numbers, query, () => fleetNumbers(this.view, query));
  }

  private cached<T>(cache: Map<string, T>, query: MetricsQuery, make: () => T): T {
    if (this.cachedVersion !== this.view.version) {
      this.documents.clear();
      this.numbers.clear();
      this.cachedVersion = this.view.version;
    }
    const key = JSON.stringify([query.window, query.model, query.tenant]);
    const found = cache.get(key);
    if (found !== undefined) return found;
    const made = make();
    cache.set(key, made);
    return made;
  }

  private alertInputs(): AlertInputs {
    const { totals, figures, span, gpu, gpus } = this.fleetNumbers(DEFAULT_QUERY);
    return {
      waiting: totals.waiting,
      ttftP95Seconds: figures.ttft.quantile(0.95),
      errorRatePercent: ratesOf(figures, span).error_rate_percent,
      gpuMemoryPercent: gpus.length > 0 ? gpu.utilization_percent : undefined,
      gatewaySilenceSeconds: gatewaySilenceSeconds(this.view.states('requests')),
      lagSeconds: this.view.lagMs / 1000,
    };
  }
}
