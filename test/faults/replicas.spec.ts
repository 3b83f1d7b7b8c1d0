import { AssignerProtocol } from 'kafkajs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { kafkaForTests } from '../support/kafka.js';
import { waitFor } from '../support/wait.js';
import { agreement, Fleet } from './harness/fleet.js';
import { withKafkaAdmin } from '../support/kafka-admin.js';
import { randomFor } from './harness/plan.js';

const REQUESTS_PER_SECOND = 100;
const MANY = 8;

const kafka = await kafkaForTests();

async function fleet(): Promise<Fleet> {
  const started = await Fleet.on(kafka!.brokers);
  onTestFinished(() => started.close());
  return started;
}

/** What every replica is asked. */
const QUESTIONS = {
  'their JSON': ['/api/v1/metrics', {}, '"timestamp"'],
  'a scrape, traces and all': ['/metrics/prometheus', { accept: 'application/openmetrics-text; version=1.0.0' }, '# {trace_id="'],
} as const;

/** The answer without the time at which it was given. */
function timeless(body: string): string {
  return body.replace(/"timestamp":"[^"]*"/, '');
}

/** How many partitions each member of the group has. */
async function shares(group: string): Promise<number[]> {
  const { groups } = await withKafkaAdmin(kafka!.brokers, (admin) => admin.describeGroups([group]));
  return groups[0]!.members.map(({ memberAssignment }) => {
    const { assignment = {} } = AssignerProtocol.MemberAssignment.decode(memberAssignment) ?? {};
    return Object.values(assignment).flat().length;
  });
}

describe.skipIf(!kafka)('replicas', () => {
  it.each(Object.entries(QUESTIONS))(
    'give the same bytes for the same fleet offset, under load: %s',
    { timeout: 120_000 },
    async (_what, question) => {
      const [path, headers, sign] = question;
      const one = await fleet();
      const aggregators = await one.aggregators(3);
      const generator = one.generator(randomFor('replicas'));
      generator.start(REQUESTS_PER_SECOND);
      const pairs = new Set<string>();
      const unequal: string[] = [];
      await waitFor(
        'five fleet offsets of each pair of replicas',
        async () => {
          const answers = await Promise.all(aggregators.map((each) => each.get(path, headers)));
          for (const [a, first] of answers.entries()) {
            for (const [b, second] of answers.slice(0, a).entries()) {
              const offset = first.headers['x-fleet-offset'];
              if (typeof offset !== 'string' || offset !== second.headers['x-fleet-offset']) continue;
              if (!first.body.includes(sign)) continue;
              if (timeless(first.body) !== timeless(second.body)) unequal.push(`${first.body}\n${second.body}`);
              pairs.add(`${a} ${b} ${offset}`);
            }
          }
          return [...pairs].filter((pair) => pair.startsWith('1 0')).length >= 5 && pairs.size >= 15;
        },
        60_000,
      );
      await generator.stop();
      expect(unequal).toEqual([]);
      await agreement(aggregators, generator.ledger);
    },
  );

  it(`${MANY} of them on 6 partitions: two are idle, all are ready and right`, { timeout: 120_000 }, async () => {
    const one = await fleet();
    const aggregators = await one.aggregators(MANY);
    const generator = one.generator(randomFor('idle replicas'));
    await generator.burst(1_000);
    await waitFor(
      'each partition to have an owner of its own',
      async () => (await shares(`${one.topics.requests.name}.aggregator`)).toSorted((a, b) => a - b).join('') === '00111111',
      60_000,
    );
    await generator.burst(1_000);
    await generator.stop();
    await agreement(aggregators, generator.ledger);
    for (const each of aggregators) expect((await each.get('/health/ready')).status).toBe(200);
  });
});
