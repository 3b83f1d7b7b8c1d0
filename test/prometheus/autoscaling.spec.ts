import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Load } from '../../tools/drill/load.js';
import { hasPrometheus, Prometheus } from '../support/prometheus.js';
import { ROOT } from '../support/shared.js';
import { startStackProcess, temporaryFolder, type StackProcess } from '../support/stack.js';
import { waitFor } from '../support/wait.js';
import { unanswered, type Question } from './answers.js';
import { RULE_FILES, rulesOf } from './rule-files.js';

const LABELS = 'model_name="demo-7b"';

/** Every query of the document: PromQL blocks, and the keys of the YAML blocks that hold one. */
function questionsOf(markdown: string): readonly Question[] {
  const blocks = Array.from(markdown.matchAll(/```(promql|yaml)\n([\s\S]*?)```/g), ([, language = '', text = '']) => ({ language, text }));
  return blocks.flatMap(({ language, text }, at) => {
    const queries =
      language === 'promql' ? [text] : Array.from(text.matchAll(/(?:query|metricsQuery|seriesQuery): (.+)/gi), ([, query = '']) => query);
    return queries.map((query) => ({ where: `block ${at + 1}`, query: query.replaceAll('<<.LabelMatchers>>', LABELS).trim() }));
  });
}

const questions = questionsOf(readFileSync(`${ROOT}docs/autoscaling.md`, 'utf8'));

describe.skipIf(!hasPrometheus())('a Prometheus that scraped a live run of one model', () => {
  let stack: StackProcess | undefined;
  let prometheus: Prometheus | undefined;
  const sending = new AbortController();
  let sent: Promise<void> | undefined;

  beforeAll(async () => {
    stack = await startStackProcess(temporaryFolder(), { TTFT_MS: '20', SNAPSHOT_INTERVAL_MS: '200' });
    const { gatewayUrl } = stack;
    sent = (await Load.open(gatewayUrl)).flow(sending.signal, { atATime: 3, perSecond: 20 });
    prometheus = await Prometheus.start({
      targets: [
        { job: 'inferometer-fleet', url: `${gatewayUrl}/metrics/prometheus`, labels: { instance: 'fleet' } },
        { job: 'inferometer-gateway', url: `${gatewayUrl}/metrics` },
      ],
      ruleFiles: RULE_FILES,
    });
    // Two scrapes with first tokens in them: then there are rates.
    await prometheus.waitForQuery('rate(gen_ai_server_time_to_first_token_seconds_count[1m])', ({ value }) => value > 0, 40_000);
  }, 90_000);

  afterAll(async () => {
    sending.abort();
    await sent;
    await prometheus?.close();
    await stack?.stop();
  });

  it('answers every query of docs/autoscaling.md', async () => {
    expect(questions.length).toBeGreaterThanOrEqual(15);
    expect(await unanswered(prometheus!, questions, Date.now())).toEqual([]);
  });

  it('gives a scaler one number where it asks for one, also for a model without traffic', async () => {
    const scalers = questions.filter(({ query }) => /^\(?(sum|histogram_quantile|1 -)/.test(query));
    expect(scalers.length).toBeGreaterThanOrEqual(10);
    for (const { query } of scalers) {
      expect(await prometheus!.query(query), query).toHaveLength(1);
      const idle = await prometheus!.query(query.replaceAll('demo-7b', 'idle').replaceAll(/ or vector\(0\)$/g, ''));
      expect(idle, query).toEqual([]);
    }
    const ttft = scalers.filter(({ query }) => query.startsWith('(histogram_quantile'));
    for (const { query } of ttft) expect(await prometheus!.value(query), query).toBeGreaterThan(0);
  });

  it('records every shipped recording rule', async () => {
    const records = RULE_FILES.flatMap(rulesOf).filter(({ kind }) => kind === 'record');
    expect(records.length).toBeGreaterThan(15);
    const recorded = records.map(({ name }) => ({ where: 'recording rule', query: name }));
    await waitFor('every recording rule to have data', async () => {
      const problems = await unanswered(prometheus!, recorded, Date.now());
      if (problems.length > 0) throw new Error(problems.join('\n'));
      return true;
    });
  });
});
