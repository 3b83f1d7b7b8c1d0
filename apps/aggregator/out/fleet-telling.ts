import type { MetricsDocument } from '#libs/contracts';
import { gathering, type FleetMetrics } from '../core/fleet-metrics.js';
import { hashOf } from '../core/hash.js';
import type { GpuState } from '../core/partition-state.js';
import { DEFAULT_QUERY, type FleetAnswers } from './fleet-answers.js';
import { METRIC_SETS } from './metric-names/all.js';
import { LabelCache, type MetricSet, type Told } from './metric-names/metric.js';
import { VLLM_METRICS } from './metric-names/vllm.js';
import { sliced } from './sliced.js';

/** Which metrics are told, and of which models from the start. */
export interface TellingOptions {
  readonly vllm: boolean;
  readonly models: readonly string[];
}

/** The fleet's metrics. */
export interface Telling {
  /** Equal only for two that say the same, whichever replicas tell them. */
  readonly offset: string;
  readonly told: Told;
}

/** Sums what the fleet's metrics are made of, once for all who ask while nothing has changed. */
export class FleetTelling {
  readonly sets: readonly MetricSet[];
  private readonly labels = new LabelCache();
  private last: (Telling & { readonly begunAt: string }) | undefined;
  private gathering: Promise<Telling> | undefined;

  constructor(
    readonly answers: FleetAnswers,
    private readonly options: TellingOptions,
    private readonly say: (line: string) => void = () => undefined,
  ) {
    this.sets = METRIC_SETS.filter((set) => options.vllm || set !== VLLM_METRICS);
  }

  /** Sums what there is, some milliseconds at a time. Those who ask meanwhile get the same. */
  now(): Promise<Telling> {
    if (this.gathering) return this.gathering;
    const document = this.answers.document(DEFAULT_QUERY);
    const begunAt = this.answers.offsetOf(document);
    if (this.last?.begunAt === begunAt) return Promise.resolve(this.last);
    this.gathering = this.gather(document, begunAt).finally(() => (this.gathering = undefined));
    return this.gathering;
  }

  private async gather(document: MetricsDocument, begunAt: string): Promise<Telling> {
    const alerts = this.answers.allAlerts();
    const metrics = await sliced(gathering(this.answers.view, this.options.models));
    this.labels.turn();
    if (this.last) this.sayGone(this.last.told.metrics, metrics);
    const offset = hashOf(JSON.stringify([begunAt, metrics.marks]));
    this.last = { begunAt, offset, told: { metrics, document, alerts, labels: this.labels } };
    return this.last;
  }

  /** Says which series are dropped; a name may be anything. */
  private sayGone(before: FleetMetrics, now: FleetMetrics): void {
    for (const model of before.models.keys()) {
      if (!now.models.has(model)) this.say(`model ${JSON.stringify(model)} was not heard of for a day: its series are dropped`);
    }
    const gpus = new Set(now.gpus.map(nameOf));
    for (const gpu of before.gpus)
      if (!gpus.has(nameOf(gpu))) this.say(`GPU ${nameOf(gpu)} was not read for an hour: its series are dropped`);
    const gateways = new Set(now.gateways.map(({ name }) => name));
    for (const { name } of before.gateways)
      if (!gateways.has(name)) this.say(`gateway ${JSON.stringify(name)} was not heard of for an hour: its series are dropped`);
  }
}

function nameOf({ reading: { host, uuid } }: GpuState): string {
  return JSON.stringify([host, uuid]);
}
