import { describe, expect, it } from 'vitest';
import { Bell } from './bell.js';
import { Turns } from './turns.js';

describe('turns', () => {
  it('go to one waiter a turn of the event loop, first come, first served', async () => {
    const turns = new Turns();
    let loops = 0;
    let counting = true;
    const count = () => {
      loops += 1;
      if (counting) setImmediate(count);
    };
    setImmediate(count);
    const got: [string, number][] = [];
    await Promise.all(['a', 'b', 'c'].map((name) => turns.next().then(() => got.push([name, loops]))));
    counting = false;
    expect(got.map(([name]) => name)).toEqual(['a', 'b', 'c']);
    expect(new Set(got.map(([, loop]) => loop)).size).toBe(3);
    await turns.next();
  });
});

describe('a bell', () => {
  it('keeps a ring that nobody waited for, once', async () => {
    const bell = new Bell();
    bell.ring();
    bell.ring();
    await bell.wait();
    let woken = false;
    const waiting = bell.wait().then(() => (woken = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(woken).toBe(false);
    bell.ring();
    await waiting;
    expect(woken).toBe(true);
  });

  it('can be waited for with a limit', async () => {
    const bell = new Bell();
    await bell.wait(1);
    bell.ring();
    await bell.wait(100_000);
    expect(bell).toBeInstanceOf(Bell);
  });
});
