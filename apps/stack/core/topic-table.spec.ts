import { expect, it } from 'vitest';
import { topicTable } from './topic-table.js';

it('shows topics in aligned columns, and times in whole units', () => {
  const row = { partitions: 6, policy: 'delete', clock: 'log', state: 'there' };
  expect(
    topicTable([
      { ...row, name: 'a.requests', retentionMs: 604_800_000 },
      { ...row, name: 'a', policy: 'compact,delete', retentionMs: 90_000, retentionBytes: 1024, state: 'created' },
      { ...row, name: 'b', retentionMs: 1_500, clock: 'producer', state: 'missing' },
      { ...row, name: 'c' },
    ]).split('\n'),
  ).toEqual([
    'topic       partitions  policy          kept for  kept bytes  clock',
    'a.requests  6           delete          7 d       all         log       there',
    'a           6           compact,delete  90 s      1024        log       created',
    'b           6           delete          1500 ms   all         producer  missing',
    'c           6           delete          ever      all         log       there',
  ]);
});
