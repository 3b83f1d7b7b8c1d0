import type { Prometheus } from '../support/prometheus.js';

/** A query, and where it comes from. */
export interface Question {
  readonly where: string;
  readonly query: string;
  /** The query is a selector, of which the values of this label are asked. */
  readonly label?: string | undefined;
}

/** Those of the questions that have no answer at a time, each with what is wrong: an error, no sample, or nothing but NaN. */
export async function unanswered(prometheus: Prometheus, questions: readonly Question[], atMs: number): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const question of questions) {
    const problem = await problemOf(prometheus, question, atMs).catch(String);
    if (problem !== undefined) problems.push(`${question.where}: ${problem}: ${question.query.replaceAll(/\s+/g, ' ')}`);
  }
  return problems;
}

async function problemOf(prometheus: Prometheus, { query, label }: Question, atMs: number): Promise<string | undefined> {
  if (label !== undefined) return (await prometheus.labelValues(label, query)).length > 0 ? undefined : `no values of ${label}`;
  const samples = await prometheus.query(query, atMs);
  if (samples.length === 0) return 'empty';
  return samples.some(({ value }) => !Number.isNaN(value)) ? undefined : 'nothing but NaN';
}
