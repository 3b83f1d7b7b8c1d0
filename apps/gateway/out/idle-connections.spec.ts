import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { IdleConnections } from './idle-connections.js';

interface Named {
  readonly name: string;
  destroy(): void;
}

let ended: string[];
let idle: IdleConnections<Named>;

beforeEach(() => {
  vi.useFakeTimers();
  ended = [];
  idle = new IdleConnections(100);
});

afterEach(() => {
  vi.useRealTimers();
});

function named(name: string): Named {
  return { name, destroy: () => void ended.push(name) };
}

describe('IdleConnections', () => {
  it('gives the one that was used last, each once', () => {
    idle.add(named('a'), Infinity);
    idle.add(named('b'), Infinity);
    expect([idle.take()?.name, idle.take()?.name, idle.take()]).toEqual(['b', 'a', undefined]);
    expect(ended).toEqual([]);
  });

  it('ends those that nobody needs, and leaves no timer behind', () => {
    idle.add(named('a'), Infinity);
    vi.advanceTimersByTime(60);
    idle.add(named('b'), Infinity);
    vi.advanceTimersByTime(40);
    expect(ended).toEqual(['a']);
    vi.advanceTimersByTime(100);
    expect([ended, vi.getTimerCount()]).toEqual([['a', 'b'], 0]);
  });

  it('gives none whose time is over by its own word, and ends it', () => {
    idle.add(named('a'), Infinity);
    idle.add(named('b'), 20);
    vi.advanceTimersByTime(20);
    expect([idle.take()?.name, ended]).toEqual(['a', ['b']]);
  });

  it('forgets one that is gone', () => {
    const gone = named('a');
    idle.add(gone, Infinity);
    idle.remove(gone);
    expect(idle.take()).toBeUndefined();
  });

  it('ends nothing more once it was stopped', () => {
    idle.add(named('a'), Infinity);
    idle.stop();
    expect(vi.getTimerCount()).toBe(0);
  });
});
