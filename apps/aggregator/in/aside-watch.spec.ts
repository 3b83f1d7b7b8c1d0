import { beforeEach, expect, it } from 'vitest';
import { AsideWatch } from './aside-watch.js';

let said: string[];
let watch: AsideWatch;
beforeEach(() => {
  said = [];
  watch = new AsideWatch((message) => said.push(message), '1.0.0', 'dead-letter');
});

it('says nothing of nothing', () => {
  for (let second = 0; second < 100; second += 1) watch.notice({ deadLetters: new Map(), rejectedRollups: 0 }, second * 1_000);
  expect(said).toEqual([]);
});

it('says at once what could not be read, and then at most once a minute what came to it', () => {
  const letters = new Map([['bad_field' as const, 0]]);
  for (let second = 1; second <= 100; second += 1) {
    letters.set('bad_field', second);
    watch.notice({ deadLetters: letters, rejectedRollups: 0 }, second * 1_000);
  }
  expect(said).toEqual([
    '1 records could not be read and lie in dead-letter (since the start: bad_field 1)',
    '60 records could not be read and lie in dead-letter (since the start: bad_field 61)',
  ]);
});

it('says that states of another version are there', () => {
  watch.notice({ deadLetters: new Map([['unsupported_version', 2]]), rejectedRollups: 3 }, 0);
  expect(said).toEqual([
    '2 records could not be read and lie in dead-letter (since the start: unsupported_version 2)',
    '3 published states are damaged or of another version than this one (1.0.0), and are left aside: run one version of the aggregator',
  ]);
});
