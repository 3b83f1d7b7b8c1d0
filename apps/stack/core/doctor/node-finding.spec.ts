import { describe, expect, it } from 'vitest';
import { nodeFinding } from './node-finding.js';

describe('Node', () => {
  it.each([
    ['24.21.0', '>=24.15.0', 'ok'],
    ['24.15.0', '>=24.15.0', 'ok'],
    ['25.0.0', '>=24.15.0', 'ok'],
    ['24.14.9', '>=24.15.0', 'fail'],
    ['22.99.0', '>=24.15.0', 'fail'],
    ['24.15.0-nightly', '>=24.15.1', 'fail'],
    ['24.21.0', '^24', 'skip'],
  ])('%s for %s is %s', (version, range, verdict) => {
    expect(nodeFinding(version, range).verdict).toBe(verdict);
  });
});
