import { fleetMetrics, type FleetMetrics } from '../core/fleet-metrics.js';
import type { GpuState } from '../core/partition-state.js';
import { DEFAULT_QUERY, type FleetAnswers } from './fleet-answers.js';
import { METRIC_SETS } from './metric-names/all.js';
import { LabelCache, type MetricSet, type Told } from './metric-names/metric.js';
import { VLLM_METRICS } from './metric-names/vllm.js';

/** Which metrics are told, and of which models from the start. */
export interface TellingOptions {
  readonly vllm: boolean;
  readonly models: readonly string[];
}

/** The fleet's metrics at one moment. */
export interface Telling {
  /** Equal only for two that say the same, whichever replicas tell them. */
  readonly offset: string;
  readonly told: Told;
}

/** Sums what the fleet's metrics are made of, once for all who ask while nothing has changed. */
export class FleetTelling {
  readonly sets: readonly MetricSet[];
  private readonly labels = new LabelCache();
  private last: Telling | undefined;

  constructor(
    readonly answers: FleetAnswers,
    private readonly options: TellingOptions,
    private readonly say: (line: string) => void = () => undefined,
  ) {
    this.sets = METRIC_SETS.filter((set) => options.vllm || set !== VLLM_METRICS);
  }

  /** Takes as long as the fleet has series; does not wait for anything. */
  now(): Telling {
    const document = this.answers.document(DEFAULT_QUERY);
    const offset = this.answers.offsetOf(document);
    if (this.last?.offset === offset) return this.last;
    this.labels.turn();
    const metrics = fleetMetrics(this.answers.view, this.options.models);
    if (this.last) this.sayGone(this.last.told.metrics, metrics);
    this.last = { offset, told: { metrics, document, alerts: this.answers.allAlerts(), labels: this.labels } };
    return this.last;
  }

  /** Says which series are dropped; a model's name may be anything. */
  private sayGone(before: FleetMetrics, now: FleetMetrics): void {
    for (const model of before.models.keys()) {
      if (!now.models.has(model)) this.say(`model ${JSON.stringify(model)} was not heard of for a day: its series are dropped`);
    }
    const gpus = new Set(now.gpus.map(nameOf));
    for (const gpu of before.gpus)
      if (!gpus.has(nameOf(gpu))) this.say(`GPU ${nameOf(gpu)} was not read for an hour: its series are dropped`);
  }
}

function nameOf({ reading: { host, uuid } }: GpuState): string {
  return JSON.stringify([host, uuid]);
}
