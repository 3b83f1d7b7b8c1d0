import { describe, expect, it } from 'vitest';
import type { Fields } from './body.js';
import { FaultBoard, faultOfText, faultRule, FAULTS, type FaultRule } from './faults.js';

function ruleOf(fields: Fields): FaultRule {
  const checked = faultRule(fields, ['a', 'b']);
  if (!checked.ok) throw new Error(JSON.stringify(checked.error));
  return checked.value;
}

function struck(board: FaultBoard, requests: number, model = 'a'): boolean[] {
  return Array.from({ length: requests }, () => board.next(model).fault !== 'none');
}

describe('faultRule', () => {
  it.each(FAULTS)('knows %s', (fault) => {
    expect(ruleOf({ fault }).fault).toBe(fault);
  });

  it('takes 500 as a number too', () => {
    expect(ruleOf({ fault: 500 }).fault).toBe('500');
  });

  it.each([
    [{}, 'fault', 'fault must be one of none, refuse'],
    [{ fault: 'explode' }, 'fault', 'fault must be one of'],
    [{ fault: 'reset', ratio: 1.5 }, 'ratio', 'ratio must be a number from 0 to 1'],
    [{ fault: 'reset', ratio: 'all' }, 'ratio', 'ratio must be a number from 0 to 1'],
    [{ fault: 'reset', count: 0 }, 'count', 'count must be a whole number from 1'],
    [{ fault: 'reset', after_chunks: 1.5 }, 'after_chunks', 'after_chunks must be a whole number from 0'],
    [{ fault: 'slow', factor: 0.5 }, 'factor', 'factor must be a number from 1'],
    [{ fault: 'reset', model: 'c' }, 'model', 'model must be one of a, b'],
    [{ fault: 'reset', chunks: 1 }, 'chunks', 'allowed: fault, ratio, count, model, after_chunks, factor'],
  ])('refuses %j and says what is allowed', (fields, param, message) => {
    const checked = faultRule(fields, ['a', 'b']);
    expect(checked).toMatchObject({ ok: false, error: { status: 400, body: { error: { param, code: 400 } } } });
    expect(JSON.stringify(checked)).toContain(message);
  });
});

describe('faultOfText', () => {
  it('reads a name and its settings', () => {
    expect(faultOfText('reset')).toMatchObject({ ok: true, value: { fault: 'reset' } });
    expect(faultOfText('hang; after_chunks=7')).toMatchObject({ ok: true, value: { fault: 'hang', afterChunks: 7 } });
    expect(faultOfText('slow;factor=3')).toMatchObject({ ok: true, value: { fault: 'slow', factor: 3 } });
  });

  it.each(['', 'nope', 'reset;after_chunks', 'reset;after_chunks=x', 'reset;colour=1'])('refuses "%s"', (text) => {
    expect(faultOfText(text).ok).toBe(false);
  });
});

describe('FaultBoard', () => {
  it('strikes nobody until it is armed, then everybody', () => {
    const board = new FaultBoard(1);
    expect(struck(board, 3)).toEqual([false, false, false]);
    board.arm(ruleOf({ fault: '500' }));
    expect(struck(board, 3)).toEqual([true, true, true]);
  });

  it('strikes only the model named, and only as often as told', () => {
    const board = new FaultBoard(1);
    board.arm(ruleOf({ fault: '500', model: 'b', count: 2 }));
    expect(struck(board, 2, 'a')).toEqual([false, false]);
    expect(struck(board, 4, 'b')).toEqual([true, true, false, false]);
    expect(board.show()).toMatchObject({ fault: '500', model: 'b', count: 2, struck: 2 });
  });

  it('draws the same share again after it is armed again', () => {
    const board = new FaultBoard(5);
    const rounds = [0, 1].map(() => {
      board.arm(ruleOf({ fault: 'reset', ratio: 0.3 }));
      return struck(board, 1000);
    });
    expect(rounds[0]).toEqual(rounds[1]);
    const hits = rounds[0]!.filter(Boolean).length;
    expect(hits).toBeGreaterThan(250);
    expect(hits).toBeLessThan(350);
  });
});
