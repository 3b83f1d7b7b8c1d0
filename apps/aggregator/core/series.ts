import { EndedHistograms, type EndedJson } from './ended-histograms.js';
import { EngineFigures, type EngineJson } from './engine-figures.js';
import type { Trace } from './exemplar.js';
import { Figures, type FiguresJson } from './figures.js';
import { hashOf } from './hash.js';
import type { Measured, TerminalEvent } from './measure.js';
import { exemplarsJson, restoreExemplars, turnBackExemplars, type SeriesExemplarsJson } from './series-exemplars.js';

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

/** What is known of a request before it ends. */
export interface AskedRequest {
  /** 0 while it is not known what the request asked for. */
  readonly receivedAt: number;
  /** The index of its upstream. */
  readonly engine: number;
  /** -1: it set no limit. */
  readonly maxTokens: number;
  readonly n: number;
  /** It ended, and had reached the upstream. */
  readonly reached: boolean;
}

interface SeriesJson {
  readonly labels: SeriesLabels;
  readonly figures: FiguresJson;
  readonly lost: number;
  readonly receivedMissing: number;
  readonly lastSeenMs: number;
  readonly ended: EndedJson;
  readonly engines: readonly (EngineJson | null)[];
  readonly exemplars?: SeriesExemplarsJson;
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
  /** When a request of it was last received or ended, to 10 s, by its gateway's clock; not later than the log's would allow. */
  lastSeenMs = 0;
  ended = new EndedHistograms();
  /** By the index of the upstream. */
  engines: (EngineFigures | undefined)[] = [];

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

  /** `trace`: that of the request, if it is known. */
  addEnded(event: TerminalEvent, measured: Measured, request: AskedRequest, trace?: Trace): void {
    this.figures.addEnded(event, measured);
    this.ended.addEnded(event, trace);
    if (!request.reached) return;
    this.engine(request.engine).addEnded(event, trace);
    if (request.receivedAt > 0) this.addAsked(request);
  }

  /** What a request that reached the upstream asked for: once for each. */
  addAsked({ engine, maxTokens, n }: AskedRequest): void {
    this.engine(engine).histograms.addAsked(maxTokens < 0 ? undefined : maxTokens, n);
  }

  /** The log's clock was set back to `timeMs`: nothing of it was heard later than that. */
  turnBack(timeMs: number): void {
    this.lastSeenMs = Math.min(this.lastSeenMs, timeMs);
    turnBackExemplars(this, timeMs);
  }

  /** Shares nothing with it but what cannot change. */
  clone(): Series {
    const copy = new Series(this.labels, this.id);
    copy.figures = this.figures.clone();
    copy.ended.merge(this.ended);
    for (const [index, figures] of this.engines.entries()) if (figures) copy.engine(index).merge(figures);
    [copy.lost, copy.receivedMissing, copy.lastSeenMs] = [this.lost, this.receivedMissing, this.lastSeenMs];
    return copy;
  }

  /** Its JSON, as one line: equal content, equal text. */
  *lines(): Generator<string> {
    const exemplars = exemplarsJson(this);
    const json: SeriesJson = {
      labels: this.labels,
      figures: this.figures.toJSON(),
      lost: this.lost,
      receivedMissing: this.receivedMissing,
      lastSeenMs: this.lastSeenMs,
      ended: this.ended.toJSON(),
      engines: Array.from(this.engines, (figures) => figures?.toJSON() ?? null),
      ...(exemplars && { exemplars }),
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
    series.lastSeenMs = json.lastSeenMs;
    series.ended = new EndedHistograms(json.ended);
    series.engines = json.engines.map((figures) => (figures ? new EngineFigures(figures) : undefined));
    if (json.exemplars) restoreExemplars(series, json.exemplars);
    return series;
  }

  /** What is counted at one upstream; made if it is new. */
  engine(index: number): EngineFigures {
    return (this.engines[index] ??= new EngineFigures());
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
