import { describe, expect, it } from 'vitest';
import { isPlainPath } from './paths.js';

describe('isPlainPath', () => {
  it.each(['/', '/v1/models/a%2Fb', '/v1/models/meta-llama/Llama-3.1?x=../y', '/v1/models/..a', '/v1/models/%E4%BD%A0'])(
    'passes %s',
    (target) => {
      expect(isPlainPath(target)).toBe(true);
    },
  );

  it.each(['/v1/models/../admin', '/v1/models/%2e%2E/admin', '/v1/models/a%2f..%2fb', '/v1/./models', '/a\\b', '/a%5Cb', '/a%00', '/a%zz'])(
    'refuses %s',
    (target) => {
      expect(isPlainPath(target)).toBe(false);
    },
  );
});
