import { topicsOf } from '#libs/contracts';
import { describe, expect, it } from 'vitest';
import { lines } from './finding.fixture.js';
import { topicFindings, type TopicFacts } from './topic-findings.js';

const all = Object.values(topicsOf('i.'));

function there(more: Partial<TopicFacts> = {}): readonly TopicFacts[] {
  const sound = { fault: undefined, copies: 3, inSync: 3, leaderless: 0 };
  return all.map((spec) => ({ spec, stored: { partitions: spec.partitions, retentionMs: spec.retentionMs }, ...sound, ...more }));
}

/** The first one is another. */
function first(topics: readonly TopicFacts[], more: Partial<TopicFacts>): readonly TopicFacts[] {
  return topics.map((topic, index) => (index === 0 ? { ...topic, ...more } : topic));
}

describe('topics', () => {
  it('that are as they have to be are one line, with their partitions, be they more than usual', () => {
    expect(lines(topicFindings(first(there(), { stored: { partitions: 12, retentionMs: undefined } }), 3))).toEqual([
      'ok partitions: i.requests 12, i.gpus 6, i.rollups 6, i.alerts 1, i.dead-letter 1; policies and timestamps as they have to be',
    ]);
  });

  it('that are all missing will be made; some that are missing are worth a warning', () => {
    expect(lines(topicFindings(there({ stored: undefined }), 1))).toEqual([
      'ok none yet: i.requests, i.gpus, i.rollups, i.alerts, i.dead-letter will be made by the first process that starts',
    ]);
    expect(lines(topicFindings(first(there(), { stored: undefined }), 3)).at(-1)).toMatch(/^warn missing beside others .*: i\.requests → /);
  });

  it.each([
    [{ fault: 'it is compacted' }, 3, 'fail it is compacted → alter i.requests, or use another EVENT_LOG_TOPIC_PREFIX'],
    [{ leaderless: 2 }, 3, 'fail i.requests: 2 partitions without a leader → start the brokers that hold them'],
    [{ inSync: 2 }, 3, 'warn i.requests: only 2 of 3 copies are up to date → see why a broker is away or slow'],
    [{ copies: 1, inSync: 1 }, 3, expect.stringMatching(/^warn one copy only, on 3 brokers: i\.requests → raise/)],
    [
      { stored: { partitions: 6, retentionMs: 3_600_000 } },
      3,
      expect.stringMatching(/^warn i\.requests keeps records for 1 hour, 7 days is usual/),
    ],
  ] as [Partial<TopicFacts>, number, string][])('one with %j, of %i brokers', (more, brokers, line) => {
    expect(lines(topicFindings(first(there(), more), brokers))[1]).toEqual(line);
  });

  it('with one copy are all right where there is one broker, or none', () => {
    expect(topicFindings(there({ copies: 1, inSync: 1 }), 1)).toHaveLength(1);
    expect(
      topicFindings(
        all.map((spec) => ({ spec, stored: { partitions: 6, retentionMs: undefined }, fault: undefined })),
        0,
      ),
    ).toHaveLength(1);
  });
});
