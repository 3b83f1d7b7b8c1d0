import { describe, expect, it } from 'vitest';
import { topicsOf } from './topics.js';

const DAY_MS = 24 * 60 * 60 * 1000;

describe('the topics', () => {
  it('have the names, partitions and policies of the contract', () => {
    expect(topicsOf()).toEqual({
      requests: { name: 'inferometer.requests', partitions: 6, policy: 'delete', retentionMs: 7 * DAY_MS },
      gpus: { name: 'inferometer.gpus', partitions: 6, policy: 'delete', retentionMs: 7 * DAY_MS },
      rollups: { name: 'inferometer.rollups', partitions: 6, policy: 'compact' },
      alerts: { name: 'inferometer.alerts', partitions: 1, policy: 'compact,delete', retentionMs: 7 * DAY_MS },
      deadLetter: { name: 'inferometer.dead-letter', partitions: 1, policy: 'delete', retentionMs: 14 * DAY_MS },
    });
  });

  it('take another prefix', () => {
    const names = Object.values(topicsOf('test_1.')).map((topic: { name: string }) => topic.name);
    expect(names).toEqual(['test_1.requests', 'test_1.gpus', 'test_1.rollups', 'test_1.alerts', 'test_1.dead-letter']);
  });
});
