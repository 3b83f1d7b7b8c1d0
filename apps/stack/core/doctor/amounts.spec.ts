import { describe, expect, it } from 'vitest';
import { bytesText, counted, listed, timeText } from './amounts.js';

describe('amounts', () => {
  it('are told in the unit that suits them', () => {
    expect([0, 1023, 1536, 150.4 * 2 ** 20, 2 ** 40].map((bytes) => bytesText(bytes))).toEqual([
      '0 bytes',
      '1023 bytes',
      '1.5 KiB',
      '150 MiB',
      '1 TiB',
    ]);
    expect([604_800_000, 129_600_000, 1_500].map((ms) => timeText(ms))).toEqual(['7 days', '36 hours', '1.5 s']);
    expect([counted(1, 'key'), counted(0, 'key')]).toEqual(['1 key', '0 keys']);
    expect([listed(['a', 'b']), listed(['a', 'b', 'c', 'd'], 2)]).toEqual(['a, b', 'a, b and 2 more']);
  });
});
