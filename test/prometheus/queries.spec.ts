import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { committedDashboards, questionsOf } from '../grafana/committed.js';
import { hasPrometheus } from '../support/prometheus.js';
import { sharedFile } from '../support/shared.js';
import { unanswered, type Question } from './answers.js';
import { JOBS, liveRun, type LiveRun } from './live-run.js';
import { MODELS, type Call } from './live-load.js';

const seedRules = sharedFile('seed/rules.yml');
const seedQueries = sharedFile('seed/queries.promql');
const published = sharedFile('prometheus/vllm-queries.json');
/** Who can know the answers of the published queries that are asked here: they can be known outside the engine. */
const ANSWERABLE = ['gateway', 'gateway-approx', 'removed-gateway'];
/** The greatest value minus the least: of a counter that never runs backwards exactly its growth, where `increase` extrapolates. */
const growth = (selector: string): string => `max_over_time(${selector}[10m]) - min_over_time(${selector}[10m])`;

/** Histograms whose buckets lead to traces, with the label that names the model. */
const TRACED = {
  'vllm:time_to_first_token_seconds_bucket': 'model_name',
  'vllm:e2e_request_latency_seconds_bucket': 'model_name',
  gen_ai_server_time_to_first_token_seconds_bucket: 'gen_ai_request_model',
  gen_ai_server_request_duration_seconds_bucket: 'gen_ai_request_model',
};

/** Everything on the fleet's page that is never to run backwards. */
const COUNTERS =
  '{__name__=~"vllm_(total|successful|failed|cancelled)_requests|(vllm:|gen_ai_|inferometer_requests_).+_(total|count|sum|bucket)"}';

interface PublishedSource {
  readonly id: string;
  readonly queries: readonly { at: string; query: string; run?: string; label?: string; known_to: string }[];
}

function publishedQuestions(file: string): readonly Question[] {
  const { sources } = JSON.parse(readFileSync(file, 'utf8')) as { sources: readonly PublishedSource[] };
  return sources.flatMap(({ id, queries }) =>
    queries
      .filter((one) => ANSWERABLE.includes(one.known_to))
      .map(({ at, query, run, label }) => ({ where: `${id}, ${at}`, query: run ?? query, label })),
  );
}

function seedQuestions(file: string): readonly Question[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.filter((line) => line.trim() !== '' && !line.startsWith('#')).map((query) => ({ where: 'queries.promql', query }));
}

describe.skipIf(!hasPrometheus())('a Prometheus with the shipped configuration that scraped a live run', () => {
  let run: LiveRun;

  beforeAll(async () => {
    run = await liveRun(seedRules === undefined ? [] : [seedRules]);
  }, 150_000);
  afterAll(() => run?.close());

  /** The value that all three jobs that scrape the fleet agree on. */
  const agreed = async (expression: (job: string) => string): Promise<number | undefined> => {
    const values = await Promise.all(
      Object.values(JOBS).map((job) => run.prometheus.value(`sum(${expression(job)}) or vector(0)`, run.settledMs)),
    );
    expect(values).toEqual(values.map(() => values[0]));
    return values[0];
  };
  const ended = (end: Call['end']): number => run.load.count((call) => call.end === end);

  it('reached every kind of end under load', () => {
    for (const end of ['successful', 'failed', 'cancelled'] as const) expect(ended(end), end).toBeGreaterThan(10);
    expect(ended('broken')).toBe(0);
  });

  it.skipIf(seedQueries === undefined)('answers every query of the seed', async () => {
    const questions = seedQuestions(seedQueries!);
    expect(questions.length).toBeGreaterThanOrEqual(4);
    expect(await unanswered(run.prometheus, questions, run.underLoadMs)).toEqual([]);
  });

  it.skipIf(seedRules === undefined)('evaluates the seed’s rules as they stand, and the shipped ones', async () => {
    const rules = await run.prometheus.rules();
    expect(rules.filter(({ name }) => name === 'VLLMHighQueueLength')).toHaveLength(2);
    expect(rules.filter(({ health }) => health !== 'ok').map(({ name, lastError }) => `${name}: ${lastError}`)).toEqual([]);
  });

  it.skipIf(published === undefined)('answers every published query that can be answered outside the engine', async () => {
    const questions = publishedQuestions(published!);
    expect(questions.length).toBeGreaterThanOrEqual(313 + 27);
    const problems = await unanswered(run.prometheus, questions, run.underLoadMs);
    expect(problems, `${problems.length} of ${questions.length}`).toEqual([]);
  });

  it.each(committedDashboards())('answers every query of the shipped dashboard $file', async (dashboard) => {
    const questions = questionsOf(dashboard, { model: MODELS.served[0] });
    expect(questions.length).toBeGreaterThan(10);
    expect(await unanswered(run.prometheus, questions, run.underLoadMs)).toEqual([]);
  });

  it('sees counters that never run backwards and grow by what the clients saw, also by an aggregator that was killed', async () => {
    const counted: Record<string, number | undefined> = {};
    for (const name of ['total', 'successful', 'failed', 'cancelled', 'lost']) {
      counted[name] = await agreed((job) => growth(`vllm_${name}_requests{job="${job}"}`));
    }
    expect(counted).toEqual({
      total: run.load.calls.length,
      successful: ended('successful'),
      failed: ended('failed'),
      cancelled: ended('cancelled'),
      lost: 0,
    });
    const counters = await run.prometheus.series(`${COUNTERS}[10m]`, run.settledMs);
    expect(counters.length).toBeGreaterThan(100);
    expect(counters.filter(({ points }) => points.some(({ value }, at) => value < (points[at - 1]?.value ?? 0)))).toEqual([]);
  });

  it('has the ledger’s requests and tokens by model and tenant', async () => {
    // Per model a counter begins with the model's first request: its value is all of its growth.
    for (const model of [...MODELS.served, MODELS.failing, MODELS.unserved, MODELS.hungUpOn]) {
      for (const tenant of ['red', 'blue']) {
        const labels = `model="${model}",tenant="${tenant}"`;
        const requests = run.load.count((call) => call.model === model && call.tenant === tenant);
        expect(await agreed((job) => `inferometer_requests_received_total{${labels},job="${job}"}`), labels).toBe(requests);
      }
    }
    for (const model of MODELS.served) {
      const own = (call: Call): boolean => call.model === model;
      expect(await agreed((job) => `vllm:prompt_tokens_total{model_name="${model}",job="${job}"}`)).toBe(run.load.tokens('input', own));
      expect(await agreed((job) => `vllm:generation_tokens_total{model_name="${model}",job="${job}"}`)).toBe(
        run.load.tokens('output', own),
      );
    }
  });

  it.each(Object.entries(TRACED))('leads from the buckets of %s to the traces of the clients', async (name, label) => {
    const beganMs = run.settledMs - 600_000;
    const exemplarsOf = (job: string) => run.prometheus.exemplars(`${name}{job="${job}"}`, beganMs, run.settledMs);
    const [one, other, text] = await Promise.all([JOBS.fleet, JOBS.restarted, JOBS.text].map(exemplarsOf));
    expect(one!.length).toBeGreaterThan(10);
    expect(other!.length).toBeGreaterThan(0);
    expect(text).toEqual([]);
    const modelOf = new Map(run.load.calls.map(({ trace, model }) => [trace, model]));
    for (const { series, labels, value } of [...one!, ...other!]) {
      expect(Object.keys(labels)).toEqual(['trace_id']);
      expect(modelOf.get(labels['trace_id']!), labels['trace_id']).toBe(series[label]);
      expect(value).toBeLessThanOrEqual(Number(series['le']!.replace('+Inf', 'Infinity')));
    }
  });

  it('was answered at every scrape while the fold ran', async () => {
    for (const job of [JOBS.fleet, JOBS.text]) {
      const [series] = await run.prometheus.series(`up{job="${job}"}[10m]`, run.settledMs);
      const ups = series!.points.map(({ value }) => value);
      expect(ups.length).toBeGreaterThan(15);
      expect(ups).toEqual(ups.map(() => 1));
      const [longest] = await run.prometheus.query(`max_over_time(scrape_duration_seconds{job="${job}"}[10m])`, run.settledMs);
      console.log(`${job}: ${ups.length} scrapes under load, the longest took ${(longest!.value * 1000).toFixed(1)} ms`);
    }
  });

  it('read OpenMetrics where it asked for it and the text format where it did not, with the right types and the same values', async () => {
    const metadata = await run.prometheus.metadata();
    const typesOf = (name: string): readonly string[] => [...new Set(metadata.get(name)?.map(({ type }) => type))].toSorted();
    // A counter without `_total` has no type in OpenMetrics.
    expect(typesOf('vllm_total_requests')).toEqual(['counter', 'unknown']);
    expect(typesOf('vllm_num_waiting_requests')).toEqual(['gauge']);
    expect(typesOf('vllm:time_to_first_token_seconds')).toEqual(['histogram']);
    // OpenMetrics names a counter's family without `_total`, the text format with it.
    expect(typesOf('vllm:prompt_tokens')).toEqual(['counter']);
    expect(typesOf('vllm:prompt_tokens_total')).toEqual(['counter']);
    const here = `{job="${JOBS.fleet}",__name__=~"vllm.+_(count|sum|bucket|total|requests)"}`;
    const there = here.replace(JOBS.fleet, JOBS.text);
    const valuesOf = async (selector: string): Promise<ReadonlyMap<string, number>> => {
      const samples = await run.prometheus.query(selector, run.settledMs);
      return new Map(samples.map(({ labels: { job: _job, instance: _instance, ...own }, value }) => [JSON.stringify(own), value]));
    };
    expect(await valuesOf(here)).toEqual(await valuesOf(there));
  });
});
