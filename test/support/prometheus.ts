import { spawnSync } from 'node:child_process';
import { request } from 'undici';
import { startPrometheusProcess, type PrometheusOptions, type PrometheusProcess } from './prometheus-process.js';
import { waitFor } from './wait.js';

export type { PrometheusOptions, ScrapeTarget } from './prometheus-process.js';

export type Labels = Readonly<Record<string, string>>;

/** One element of an instant vector; a scalar is one without labels. */
export interface VectorSample {
  readonly labels: Labels;
  readonly value: number;
}

/** One element of a range vector or of a matrix. */
export interface MatrixSeries {
  readonly labels: Labels;
  readonly points: readonly { readonly atMs: number; readonly value: number }[];
}

export interface TargetState {
  readonly job: string;
  readonly url: string;
  readonly health: 'up' | 'down' | 'unknown';
  readonly lastError: string;
  readonly lastScrapeSeconds: number;
}

export interface RuleState {
  readonly group: string;
  readonly name: string;
  readonly type: 'alerting' | 'recording';
  readonly health: 'ok' | 'err' | 'unknown';
  readonly lastError: string;
  readonly query: string;
  /** Alerting rules only. */
  readonly state: 'firing' | 'pending' | 'inactive' | undefined;
  readonly alerts: readonly { readonly state: 'firing' | 'pending'; readonly labels: Labels; readonly annotations: Labels }[];
}

/** What Prometheus knows of a family. */
export interface FamilyMetadata {
  readonly type: string;
  readonly help: string;
  readonly unit: string;
}

/** One value of a series that stands for others, with labels of its own. */
export interface Exemplar {
  readonly series: Labels;
  readonly labels: Labels;
  readonly value: number;
  readonly atMs: number;
}

const ANSWER_DEADLINE_MS = 30_000;
const NEEDED = 'prometheus (Debian: apt-get install prometheus) is not on this machine';

/** Whether a Prometheus can be started here; says loudly that tests are skipped where it cannot, and throws there with `CI`. */
export function hasPrometheus(): boolean {
  if (spawnSync('prometheus', ['--version']).status === 0) return true;
  if (process.env['CI']) throw new Error(NEEDED);
  console.warn(`SKIPPED: ${NEEDED}; the tests that need it are skipped`);
  return false;
}

/**
 * A real Prometheus with an empty database, on a free port of this machine. It ends, and its data goes, with this process, however that ends.
 * Every answer that is not a success rejects with Prometheus's own words.
 */
export class Prometheus {
  readonly url: string;
  private readonly process: PrometheusProcess;

  private constructor(process: PrometheusProcess) {
    this.url = process.url;
    this.process = process;
  }

  /** Resolves when it is ready. Rejects, with what it printed, if it does not start: a mistake in the configuration or in a rule. */
  static async start(options: PrometheusOptions): Promise<Prometheus> {
    return new Prometheus(await startPrometheusProcess(options));
  }

  /** Ends it (SIGTERM, after 10 s SIGKILL), and removes its data. */
  close(): Promise<void> {
    return this.process.end();
  }

  /** The value of an expression, now or at a time. Samples of a range vector (`m[5m]`) come from `series`. */
  async query(expression: string, atMs?: number): Promise<readonly VectorSample[]> {
    const { resultType, result } = await this.evaluate(expression, atMs);
    if (resultType === 'scalar') return [{ labels: {}, value: Number((result as Point)[1]) }];
    if (resultType !== 'vector') throw new Error(`${expression} is a ${resultType}`);
    return (result as { metric: Labels; value: Point }[]).map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
  }

  /** The one value of an expression, or undefined where it has none. Rejects if it has several. */
  async value(expression: string, atMs?: number): Promise<number | undefined> {
    const samples = await this.query(expression, atMs);
    if (samples.length > 1) throw new Error(`${expression} has ${samples.length} values`);
    return samples[0]?.value;
  }

  /** All stored samples of a range selector (`m{a="b"}[5m]`), as they were scraped. */
  async series(selector: string, atMs?: number): Promise<readonly MatrixSeries[]> {
    const { resultType, result } = await this.evaluate(selector, atMs);
    if (resultType !== 'matrix') throw new Error(`${selector} is a ${resultType}`);
    return matrixOf(result);
  }

  /** The value of an expression at each step of a span, as a graph panel asks for it. */
  async queryRange(expression: string, fromMs: number, toMs: number, stepSeconds = 1): Promise<readonly MatrixSeries[]> {
    const span = { start: String(fromMs / 1000), end: String(toMs / 1000), step: String(stepSeconds) };
    const { result } = await this.ask<{ result: unknown }>('query_range', { query: expression, ...span });
    return matrixOf(result);
  }

  /** The values that a label has in the series of the selectors (all series if there is none). */
  async labelValues(label: string, ...selectors: readonly string[]): Promise<readonly string[]> {
    const matches: [string, string][] = selectors.map((selector) => ['match[]', selector]);
    return this.ask<string[]>(`label/${encodeURIComponent(label)}/values`, matches);
  }

  /** The label sets of all series that a selector finds. */
  seriesOf(selector: string): Promise<readonly Labels[]> {
    return this.ask<Labels[]>('series', { 'match[]': selector });
  }

  /** Type, help and unit of every family, by name as Prometheus keeps it. */
  async metadata(): Promise<ReadonlyMap<string, readonly FamilyMetadata[]>> {
    return new Map(Object.entries(await this.ask<Record<string, FamilyMetadata[]>>('metadata')));
  }

  /** The exemplars stored for the series of an expression between two times. */
  async exemplars(expression: string, fromMs: number, toMs: number): Promise<readonly Exemplar[]> {
    const span = { start: String(fromMs / 1000), end: String(toMs / 1000) };
    const found = await this.ask<RawExemplars[]>('query_exemplars', { query: expression, ...span });
    return found.flatMap(({ seriesLabels, exemplars }) =>
      exemplars.map(({ labels, value, timestamp }) => ({ series: seriesLabels, labels, value: Number(value), atMs: timestamp * 1000 })),
    );
  }

  async targets(): Promise<readonly TargetState[]> {
    const { activeTargets } = await this.ask<{ activeTargets: RawTarget[] }>('targets', { state: 'active' });
    return activeTargets.map(({ labels, scrapeUrl, health, lastError, lastScrapeDuration }) => ({
      job: labels['job'] ?? '',
      url: scrapeUrl,
      health,
      lastError,
      lastScrapeSeconds: lastScrapeDuration,
    }));
  }

  async rules(): Promise<readonly RuleState[]> {
    const { groups } = await this.ask<{ groups: { name: string; rules: RawRule[] }[] }>('rules');
    return groups.flatMap((group) => group.rules.map((rule) => ruleOf(group.name, rule)));
  }

  /** Polls until the expression has at least one sample that `holds`, and answers all of them. Rejects after the deadline. */
  waitForQuery(
    expression: string,
    holds: (sample: VectorSample) => boolean = () => true,
    deadlineMs?: number,
  ): Promise<readonly VectorSample[]> {
    const probe = async (): Promise<readonly VectorSample[] | false> => {
      const samples = await this.query(expression);
      return samples.some(holds) && samples;
    };
    return waitFor(`${expression} to have its value`, probe, deadlineMs);
  }

  /** Polls until every target has been scraped with success. Rejects after the deadline with the last error of each. */
  async waitForTargets(deadlineMs?: number): Promise<void> {
    const probe = async (): Promise<boolean> => {
      const targets = await this.targets();
      const bad = targets.filter(({ health }) => health !== 'up');
      if (bad.length === 0) return targets.length > 0;
      throw new Error(bad.map(({ url, lastError }) => `${url}: ${lastError || 'not scraped yet'}`).join('; '));
    };
    await waitFor('every target to be up', probe, deadlineMs);
  }

  private evaluate(expression: string, atMs?: number): Promise<{ resultType: string; result: unknown }> {
    return this.ask('query', { query: expression, ...(atMs !== undefined && { time: String(atMs / 1000) }) });
  }

  private async ask<T>(path: string, parameters: Readonly<Record<string, string>> | [string, string][] = {}): Promise<T> {
    const url = `${this.url}/api/v1/${path}?${new URLSearchParams(parameters)}`;
    const { body } = await request(url, { signal: AbortSignal.timeout(ANSWER_DEADLINE_MS) });
    const answer = (await body.json()) as { status: string; data: T; error?: string };
    if (answer.status !== 'success') throw new Error(answer.error);
    return answer.data;
  }
}

type Point = readonly [seconds: number, value: string];

interface RawExemplars {
  readonly seriesLabels: Labels;
  readonly exemplars: readonly { readonly labels: Labels; readonly value: string; readonly timestamp: number }[];
}

interface RawTarget {
  readonly labels: Labels;
  readonly scrapeUrl: string;
  readonly health: TargetState['health'];
  readonly lastError: string;
  readonly lastScrapeDuration: number;
}

interface RawRule {
  readonly name: string;
  readonly type: RuleState['type'];
  readonly health: RuleState['health'];
  readonly lastError?: string;
  readonly query: string;
  readonly state?: RuleState['state'];
  readonly alerts?: RuleState['alerts'];
}

function ruleOf(group: string, { name, type, health, lastError = '', query, state, alerts = [] }: RawRule): RuleState {
  return { group, name, type, health, lastError, query, state, alerts };
}

function matrixOf(result: unknown): readonly MatrixSeries[] {
  return (result as { metric: Labels; values: Point[] }[]).map(({ metric, values }) => ({
    labels: metric,
    points: values.map(([seconds, value]) => ({ atMs: seconds * 1000, value: Number(value) })),
  }));
}
