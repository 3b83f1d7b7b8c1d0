import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SseReader } from './sse-reader.js';

interface Result {
  readonly frames: readonly string[];
  readonly passed: string;
}

/** Refuses every frame that says DROP. */
function readAll(chunks: readonly Buffer[], options: { withhold: boolean; maxFrameBytes?: number }): Result & { gaveUp: boolean } {
  const frames: string[] = [];
  const passed: Buffer[] = [];
  const visit = (data: string) => {
    frames.push(data);
    return !data.includes('DROP');
  };
  const reader = new SseReader(visit, (bytes) => passed.push(bytes), options);
  for (const chunk of chunks) reader.push(chunk);
  reader.end();
  return { frames, passed: Buffer.concat(passed).toString('latin1'), gaveUp: reader.gaveUp };
}

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const cuts = [...new Set(places.map((place) => place % (bytes.length + 1)))].toSorted((a, b) => a - b);
  return [0, ...cuts].map((start, index) => bytes.subarray(start, cuts[index] ?? bytes.length));
}

const eol = fc.constantFrom('\n', '\r\n', '\r');
const content = fc.string({ unit: fc.constantFrom('a', 'é', '你', '🙂', ' ', ':', '"', '{'), maxLength: 8 });
const places = fc.array(fc.nat(4096), { maxLength: 40 });

interface Frame {
  readonly bytes: string;
  readonly data: string | undefined;
}

const frame: fc.Arbitrary<Frame> = fc
  .record({
    data: fc.array(fc.oneof(content, fc.constant('DROP')), { maxLength: 3 }),
    before: fc.constantFrom('', ': ping', 'event: x', 'id', 'retry: 5', 'database: no'),
    space: fc.constantFrom('', ' '),
    end: eol,
  })
  .filter(({ data, before }) => data.length > 0 || before !== '')
  .map(({ data, before, space, end }) => {
    const lines = [...(before === '' ? [] : [before]), ...data.map((line) => `data:${space}${line}`)];
    // One space after the colon is not data, wherever it came from.
    const expected = data.map((line) => (space === '' ? line.replace(/^ /, '') : line)).join('\n');
    return { bytes: lines.map((line) => line + end).join('') + end, data: data.length > 0 ? expected : undefined };
  });

describe('SseReader', () => {
  it('sees every frame and drops whole ones, however the bytes are cut', () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 8 }), places, fc.boolean(), (frames, cuts, bom) => {
        const bytes = Buffer.from((bom ? '\uFEFF' : '') + frames.map((each) => each.bytes).join(''));
        const result = readAll(cut(bytes, cuts), { withhold: true });
        expect(result.frames).toEqual(frames.flatMap(({ data }) => (data === undefined ? [] : [data])));
        const kept = frames.filter(({ data }) => !data?.includes('DROP')).map((each) => each.bytes);
        const isFirstDropped = frames[0]?.data?.includes('DROP');
        const expected = (bom && !isFirstDropped ? '\uFEFF' : '') + kept.join('');
        expect(Buffer.from(result.passed, 'latin1').toString()).toBe(expected);
      }),
      { numRuns: 2000 },
    );
  });

  it('depends on the bytes alone, also where they make no sense', () => {
    const bytes = fc.array(fc.constantFrom(...Buffer.from('data:DROP \n\n\r\r:x'), 0xe4, 0xbd, 0xa0, 0xff), { maxLength: 120 });
    fc.assert(
      fc.property(bytes, places, fc.boolean(), (raw, cuts, withhold) => {
        const whole = Buffer.from(raw);
        expect(readAll(cut(whole, cuts), { withhold })).toEqual(readAll([whole], { withhold }));
      }),
      { numRuns: 3000 },
    );
  });

  it('passes every chunk at once and as it came where nothing is withheld', () => {
    const passed: Buffer[] = [];
    const reader = new SseReader(
      () => false,
      (bytes) => passed.push(bytes),
      { withhold: false },
    );
    const chunks = ['data: DR', 'OP\n\ndata', ': x'].map((text) => Buffer.from(text));
    for (const [index, chunk] of chunks.entries()) {
      reader.push(chunk);
      expect(passed[index]).toBe(chunk);
    }
    reader.end();
    expect(passed).toHaveLength(3);
  });

  it('passes a chunk of whole frames without copying it', () => {
    const passed: Buffer[] = [];
    const reader = new SseReader(
      () => true,
      (bytes) => passed.push(bytes),
      { withhold: true },
    );
    const chunk = Buffer.from('data: a\n\ndata: b\n\n');
    reader.push(chunk);
    expect(passed).toEqual([chunk]);
    expect(passed[0]).toBe(chunk);
  });

  it('reads a last frame that has no blank line', () => {
    expect(readAll([Buffer.from('data: a\n\ndata: [DONE]')], { withhold: true })).toEqual({
      frames: ['a', '[DONE]'],
      passed: 'data: a\n\ndata: [DONE]',
      gaveUp: false,
    });
  });

  it('takes a byte order mark for one at the start alone', () => {
    expect(readAll([Buffer.from('\uFEFFdata: a\n\n\uFEFFdata: b\n\n')], { withhold: true }).frames).toEqual(['a']);
  });

  it('stops reading at a giant line and passes everything from there on', () => {
    const chunks = ['data: DROP\n\ndata: ', 'x'.repeat(40), 'x\n\ndata: DROP\n\n'].map((text) => Buffer.from(text));
    const result = readAll(chunks, { withhold: true, maxFrameBytes: 32 });
    expect(result).toEqual({ frames: ['DROP'], passed: `data: ${'x'.repeat(41)}\n\ndata: DROP\n\n`, gaveUp: true });
    // Also where the whole line comes at once.
    expect(readAll([Buffer.concat(chunks)], { withhold: true, maxFrameBytes: 32 })).toEqual(result);
  });
});
