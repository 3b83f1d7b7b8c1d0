import { describe, expect, it } from 'vitest';
import { UpstreamChoice } from './upstream-choice.js';

function taken(choice: UpstreamChoice, count: number): number[] {
  return Array.from({ length: count }, () => {
    const index = choice.choose();
    choice.begin(index);
    return index;
  });
}

describe('UpstreamChoice', () => {
  it('takes the least busy, and equals in turn', () => {
    const choice = new UpstreamChoice(3);
    expect(taken(choice, 5)).toEqual([0, 1, 2, 0, 1]);
    choice.finish(1);
    choice.finish(1);
    expect(taken(choice, 3)).toEqual([1, 2, 1]);
    expect([0, 1, 2].map((index) => choice.busyAt(index))).toEqual([2, 2, 2]);
  });

  it('goes round among idle ones', () => {
    const choice = new UpstreamChoice(2);
    const chosen = Array.from({ length: 4 }, () => {
      const [index] = taken(choice, 1);
      choice.finish(index!);
      return index;
    });
    expect(chosen).toEqual([0, 1, 0, 1]);
  });

  it('puts one that refuses connections aside, until it answers', () => {
    const choice = new UpstreamChoice(2);
    expect([choice.failed(0, 'refused'), choice.failed(0, 'refused')]).toEqual([true, false]);
    expect(taken(choice, 3)).toEqual([1, 1, 1]);
    expect([choice.answered(0), choice.answered(0)]).toEqual([true, false]);
    expect(taken(choice, 2)).toEqual([0, 0]);
  });

  it('puts one that takes requests and does not answer aside after the third in a row', () => {
    const choice = new UpstreamChoice(2);
    const fails = () => choice.failed(0, 'no_answer');
    expect([fails(), fails(), choice.answered(0), fails(), fails(), fails()]).toEqual([false, false, false, false, false, true]);
    expect(choice.isAway(0)).toBe(true);
  });

  it('has another one for a request only among those that are neither tried nor put aside', () => {
    const choice = new UpstreamChoice(3);
    choice.failed(0, 'refused');
    expect([choice.chooseAnother([0]), choice.chooseAnother([0, 1]), choice.chooseAnother([1, 2])]).toEqual([1, 2, undefined]);
  });

  it('tries those put aside where there is no other', () => {
    const choice = new UpstreamChoice(2);
    for (const index of [0, 1]) choice.failed(index, 'refused');
    expect(taken(choice, 2)).toEqual([0, 1]);
  });

  it('waits twice as long before each probe, and starts anew after an answer', () => {
    const choice = new UpstreamChoice(1);
    choice.failed(0, 'refused');
    const waits = Array.from({ length: 8 }, () => choice.nextBackOffMs(0));
    expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    choice.answered(0);
    expect(choice.nextBackOffMs(0)).toBe(500);
  });
});
