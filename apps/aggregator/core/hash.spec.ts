import { describe, expect, it } from 'vitest';
import { hashOf } from './hash.js';

describe('the hash', () => {
  it.each([
    ['', 'ebb6c2283cd6e3f3'],
    ['requests', 'f9a7a10c53e4a6c3'],
    ['{"模型":"🦉"}', '5c14fab1d76606ba'],
    ['\ud800', 'def3e75f6a32fe83'],
  ])('of %j stays what it is in stored rollups', (text, hash) => {
    expect(hashOf(text)).toBe(hash);
  });
});
