import type { RequestReceived } from '#libs/contracts';
import { addEach } from './counts.js';
import { Figures, type FiguresJson } from './figures.js';
import { hashOf } from './hash.js';
import { Histograms, type HistogramJson } from './histograms.js';
import { FINISHED_REASONS, finishedReasonOf, reachedUpstream, type Measured, type TerminalEvent } from './measure.js';

/** What tells series apart. A request without a tenant has the tenant "". */
export interface SeriesLabels {
  readonly operation: string;
  readonly model: string;
  readonly tenant: string;
}

/** Which label values get a series of their own; the rest share `other`. */
export interface LabelLimits {
  /** The only models with a series of their own; empty: the first `maxModels` seen. */
  readonly models: readonly string[];
  readonly maxModels: number;
  readonly maxTenants: number;
}

export const OTHER = 'other';
/** Operations are a closed set of the gateway; this only bounds what a foreign producer could do. */
const MAX_OPERATIONS = 32;

interface SeriesJson {
  readonly labels: SeriesLabels;
  readonly figures: FiguresJson;
  readonly lost: number;
  readonly receivedMissing: number;
  readonly finished: readonly number[];
  readonly histograms: readonly HistogramJson[];
}

/** The totals of one series since the counters began. */
export class Series {
  /** Same labels, same id, in every partition and on every replica. */
  readonly id: string;
  figures = new Figures();
  /** Requests whose gateway died before saying how they ended, less those whose end came after all. */
  lost = 0;
  /** Ended requests whose `received` event never came; they count as received. */
  receivedMissing = 0;
  histograms = new Histograms();
  /** Requests that reached the upstream, by vLLM's `finished_reason`; indexed as FINISHED_REASONS. */
  finished: number[] = FINISHED_REASONS.map(() => 0);

  /** `id`: if that of the labels is known. */
  constructor(
    readonly labels: SeriesLabels,
    id?: string,
  ) {
    this.id = id ?? hashOf(JSON.stringify([labels.operation, labels.model, labels.tenant]));
  }

  addLost(count: 1 | -1): void {
    this.lost += count;
  }

  addReceived(data: RequestReceived): void {
    this.figures.received += 1;
    this.histograms.addReceived(data);
  }

  addEnded(event: TerminalEvent, measured: Measured): void {
    this.figures.addEnded(event, measured);
    if (!reachedUpstream(event)) return;
    this.histograms.addEnded(event);
    this.finished[FINISHED_REASONS.indexOf(finishedReasonOf(event))]! += 1;
  }

  /** Shares nothing with it. */
  clone(): Series {
    const copy = new Series(this.labels, this.id);
    copy.figures = this.figures.clone();
    copy.histograms.merge(this.histograms);
    copy.finished = [...this.finished];
    [copy.lost, copy.receivedMissing] = [this.lost, this.receivedMissing];
    return copy;
  }

  /** Its JSON, as one line: equal content, equal text. */
  *lines(): Generator<string> {
    const json: SeriesJson = {
      labels: this.labels,
      figures: this.figures.toJSON(),
      lost: this.lost,
      receivedMissing: this.receivedMissing,
      finished: this.finished,
      histograms: this.histograms.toJSON(),
    };
    yield JSON.stringify(json);
  }

  /** Throws if `line` is not what `lines()` gives. */
  static fromLine(line: string): Series {
    const json = JSON.parse(line) as SeriesJson;
    const series = new Series(json.labels);
    series.figures = Figures.fromJSON(json.figures);
    series.lost = json.lost;
    series.receivedMissing = json.receivedMissing;
    addEach(series.finished, json.finished);
    series.histograms = new Histograms(json.histograms);
    return series;
  }
}

/** The series of one partition, found by their labels after capping. */
export class SeriesTable {
  readonly byId = new Map<string, Series>();
  private readonly byLabels = new Map<string, Map<string, Map<string, Series>>>();
  private readonly models = new Set<string>();
  private readonly tenants = new Set<string>();

  constructor(private readonly limits: LabelLimits) {}

  /** The series of a request; made if it is new. */
  of(operation: string, model: string, tenant: string = ''): Series {
    const found = this.byLabels.get(operation)?.get(model)?.get(tenant);
    return found ?? this.capped(operation, model, tenant);
  }

  insert(series: Series): void {
    const { operation, model, tenant } = series.labels;
    this.byId.set(series.id, series);
    this.models.add(model);
    this.tenants.add(tenant);
    const byModel = emplace(this.byLabels, operation, () => new Map<string, Map<string, Series>>());
    emplace(byModel, model, () => new Map<string, Series>()).set(tenant, series);
  }

  private capped(operation: string, model: string, tenant: string): Series {
    const { models, maxModels, maxTenants } = this.limits;
    const labels: SeriesLabels = {
      operation: this.byLabels.has(operation) || this.byLabels.size < MAX_OPERATIONS ? operation : OTHER,
      model: models.length > 0 ? (models.includes(model) ? model : OTHER) : within(this.models, maxModels, model),
      tenant: within(this.tenants, maxTenants, tenant),
    };
    const known = this.byLabels.get(labels.operation)?.get(labels.model)?.get(labels.tenant);
    if (known) return known;
    const series = new Series(labels);
    this.insert(series);
    return series;
  }
}

/** `value` if it was seen or there is room for it. `other` and the empty value take no room. */
function within(seen: ReadonlySet<string>, limit: number, value: string): string {
  const taken = seen.size - Number(seen.has(OTHER)) - Number(seen.has(''));
  return value === '' || seen.has(value) || taken < limit ? value : OTHER;
}

export function emplace<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
}
