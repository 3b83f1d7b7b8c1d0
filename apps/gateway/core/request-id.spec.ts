import { describe, expect, it } from 'vitest';
import { clientRequestId, OpenRequestIds } from './request-id.js';

describe('clientRequestId', () => {
  it.each(['a', 'chatcmpl-1_2.3:4', 'x'.repeat(128)])('keeps %s', (id) => {
    expect(clientRequestId(id)).toBe(id);
  });

  it.each([undefined, '', 'a b', 'ä', 'x'.repeat(129), 'a\nb', ['a', 'b']])('does not keep %j', (id) => {
    expect(clientRequestId(id)).toBeUndefined();
  });
});

describe('OpenRequestIds', () => {
  it('tells apart open requests that share an id', () => {
    const ids = new OpenRequestIds();
    const claimed = [ids.claim('a'), ids.claim('a'), ids.claim('b'), ids.claim('a')];
    expect(new Set(claimed).size).toBe(4);
    expect(claimed[0]).toBe('a');
    expect(claimed[2]).toBe('b');
    ids.release('a');
    expect(ids.claim('a')).toBe('a');
  });

  it('keeps to the greatest length', () => {
    const ids = new OpenRequestIds();
    const long = 'x'.repeat(128);
    ids.claim(long);
    const second = ids.claim(long);
    expect(second).toHaveLength(128);
    expect(second).not.toBe(long);
  });
});
