import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AnswerWatch } from './core/answer-watch.js';
import { operationOf, type Operation } from './core/operations.js';
import { headerOf, recordedExchanges } from './recorded.fixture.js';

interface Recorded {
  readonly name: string;
  readonly operation: Operation;
  readonly body: Buffer;
}

/** The streams of real engines. */
const streams: readonly Recorded[] = recordedExchanges().flatMap(({ name, request, answer }) => {
  const [method = '', path = ''] = request?.startLine.split(' ') ?? [];
  const operation = operationOf(method, path);
  const isStream = headerOf(answer, 'content-type')?.startsWith('text/event-stream');
  return operation && isStream ? [{ name, operation, body: answer.body }] : [];
});

/** What is passed on and what is learnt when the bytes come in these pieces, all at one time. */
function watch(
  operation: Operation,
  pieces: readonly Buffer[],
  strip: boolean,
): { passed: Buffer; seen: object; fault: string | undefined } {
  const passed: Buffer[] = [];
  const kind = { status: 200, contentType: 'text/event-stream', isEncoded: false };
  const watching = new AnswerWatch(operation, kind, { strip, maxPlainBytes: 0 }, (bytes) => passed.push(bytes));
  for (const piece of pieces) watching.push(piece, 0);
  watching.end(0);
  return { passed: Buffer.concat(passed), seen: watching.seen, fault: watching.fault };
}

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const cuts = [...new Set(places.map((place) => place % (bytes.length + 1)))].toSorted((a, b) => a - b);
  return [0, ...cuts].map((start, index) => bytes.subarray(start, cuts[index] ?? bytes.length));
}

const places = fc.array(fc.nat(), { maxLength: 60 });
const damages = fc.array(fc.tuple(fc.nat(), fc.oneof(fc.constantFrom(...Buffer.from('\n\r:{}[]",d')), fc.nat(255))), { maxLength: 6 });

describe.skipIf(streams.length === 0)('a stream of a real engine', () => {
  it.each(streams.map((stream) => [stream.name, stream] as const))('tells the same however it is cut: %s', (_name, { operation, body }) => {
    const whole = watch(operation, [body], true);
    expect(whole.fault).toBeUndefined();
    expect(whole.seen).toMatchObject({ end: 'clean', finishReason: expect.any(String) as string });
    expect(watch(operation, [body], false)).toEqual({ ...whole, passed: body });
    fc.assert(
      fc.property(places, (cuts) => {
        expect(watch(operation, cut(body, cuts), true)).toEqual(whole);
      }),
      { numRuns: 50 },
    );
  });

  it('may be damaged: what it tells still depends on its bytes alone, and without a frame to take out they all pass', () => {
    fc.assert(
      fc.property(fc.constantFrom(...streams), damages, places, ({ operation, body }, changes, cuts) => {
        const damaged = Buffer.from(body);
        for (const [at, byte] of changes) damaged[at % damaged.length] = byte;
        const pieces = cut(damaged, cuts);
        expect(watch(operation, pieces, true)).toEqual(watch(operation, [damaged], true));
        expect(watch(operation, pieces, false).passed.equals(damaged)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
