import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { askForUsage } from '../../apps/gateway/core/usage-request.js';
import { CHAT } from '../../apps/gateway/core/operations.js';
import { readRequestFacts } from '../../apps/gateway/core/request-facts.js';
import { SseReader } from '../../apps/gateway/core/sse-reader.js';
import { GatewayProcess } from './harness/gateway-process.js';
import { inLongRun, randomFor, rounds } from './harness/plan.js';
import { RawUpstream } from './harness/raw-upstream.js';
import { tally, Told } from './harness/told.js';
import { exchange } from './harness/wire.js';

/** A long run has a time, 3 s for each round; a short one a number of cases, so that the same seed always does the same. */
const LONG_MS = 3_000 * rounds(1);

function budget(what: string, shortRuns: number): fc.Parameters<unknown> {
  const { seed } = randomFor(`fuzz of ${what}`);
  const long = { numRuns: Number.MAX_SAFE_INTEGER, interruptAfterTimeLimit: LONG_MS, markInterruptAsFailure: false };
  return { seed, ...inLongRun<fc.Parameters<unknown>>(long, { numRuns: shortRuns }) };
}

/** Bytes of a text with some of them changed, left out, put in or repeated: what is nearly right goes deeper than what is plainly wrong. */
function nearly(texts: readonly string[], alphabet: fc.Arbitrary<number>): fc.Arbitrary<Buffer> {
  const edit = fc.record({ at: fc.nat(), cut: fc.nat(3), put: fc.array(alphabet, { maxLength: 3 }), again: fc.nat(2) });
  return fc.tuple(fc.constantFrom(...texts), fc.array(edit, { maxLength: 6 })).map(([text, edits]) => {
    let bytes = Buffer.from(text, 'latin1');
    for (const { at, cut, put, again } of edits) {
      const place = at % (bytes.length + 1);
      const middle = bytes.subarray(place, place + 12 * again);
      bytes = Buffer.concat([bytes.subarray(0, place), Buffer.from(put), middle, bytes.subarray(place + cut)]);
    }
    return bytes;
  });
}

function pieces(bytes: Buffer, places: readonly number[]): Buffer[] {
  const cuts = [...new Set(places.map((place) => place % (bytes.length + 1)))].toSorted((a, b) => a - b);
  return [0, ...cuts].map((start, index) => bytes.subarray(start, cuts[index] ?? bytes.length));
}

const anyByte = fc.oneof(fc.constantFrom(...Buffer.from('\n\r: {}[]",\\data')), fc.constantFrom(0xef, 0xbb, 0xbf, 0x00, 0xff), fc.nat(255));
const cuts = fc.array(fc.nat(4_096), { maxLength: 30 });

interface Read {
  readonly frames: readonly string[];
  readonly passed: string;
  readonly gaveUp: boolean;
}

function read(chunks: readonly Buffer[], isKept: (data: string) => boolean, withhold: boolean, maxFrameBytes: number): Read {
  const frames: string[] = [];
  const passed: Buffer[] = [];
  const visit = (data: string): boolean => {
    frames.push(data);
    return isKept(data);
  };
  const reader = new SseReader(visit, (bytes) => passed.push(bytes), { withhold, maxFrameBytes });
  for (const chunk of chunks) reader.push(chunk);
  reader.end();
  return { frames, passed: Buffer.concat(passed).toString('latin1'), gaveUp: reader.gaveUp };
}

/** The same by the book, from the whole of the bytes. */
function byTheBook(bytes: Buffer): readonly string[] {
  const text = bytes.toString('latin1').replace(/^\xef\xbb\xbf/, '');
  const frames = text.split(/(?<=(?:^|\r\n|\n|\r(?!\n))(?:\r\n|\n|\r(?!\n)))/);
  return frames.flatMap((frame) => {
    const lines = frame.split(/\r\n|\n|\r/).filter((line) => /^data(:|$)/.test(line));
    return lines.length === 0 ? [] : [lines.map((line) => line.slice(5).replace(/^ /, '')).join('\n')];
  });
}

describe('the reader of Server-Sent Events', () => {
  const streams = nearly(
    [
      'data: {"a":1}\n\ndata: {"b":2}\n\ndata: [DONE]\n\n',
      '\xef\xbb\xbfdata: a\r\n\r\n: ping\r\n\r\ndata: b\r\ndata: c\r\n\r\ndata: [DONE]',
      'event: x\rdata: a\r\rid: 1\rdata\r\rdata:\r\r',
      '\n\n\r\n\rdata: DROP\n\ndata: DROP\r\n\r\ndata: kept\n\n',
      'data: \xe4\xbd\xa0 \xf0\x9f\x99\x82\n\nretry: 5\n\ndatabase: no\n\n',
    ],
    anyByte,
  );

  it('sees the same and passes the same, however its bytes are cut, and changes none of them', { timeout: 60_000 + LONG_MS }, () => {
    fc.assert(
      fc.property(streams, cuts, fc.boolean(), fc.constantFrom(1 << 20, 24, 7, 1), (bytes, places, withhold, limit) => {
        const whole = read([bytes], (data) => !data.includes('DROP'), withhold, limit);
        expect(read(pieces(bytes, places), (data) => !data.includes('DROP'), withhold, limit)).toEqual(whole);
        expect(withhold || whole.passed === bytes.toString('latin1')).toBe(true);
        const allKept = read(pieces(bytes, places), () => true, withhold, limit);
        expect([allKept.passed, allKept.frames]).toEqual([bytes.toString('latin1'), whole.frames]);
        const book = byTheBook(bytes).map((data) => Buffer.from(data, 'latin1').toString());
        expect(whole.frames).toEqual(whole.gaveUp ? book.slice(0, whole.frames.length) : book);
      }),
      budget('the SSE reader', 8_000),
    );
  });
});

interface Asking {
  readonly stream_options: { readonly include_usage: unknown };
}

/** True if the edited body has the members that it had, and the flag, and differs in one place only. */
function isRightEdit(body: Buffer, edited: Buffer): boolean {
  const [before, after] = [JSON.parse(body.toString()) as object, JSON.parse(edited.toString()) as Asking];
  const given = (before as Partial<Asking>).stream_options;
  let start = 0;
  while (start < body.length && body[start] === edited[start]) start += 1;
  let end = 0;
  while (end < body.length - start && body.at(-1 - end) === edited.at(-1 - end)) end += 1;
  return (
    isDeepStrictEqual(after, { ...before, stream_options: { ...given, include_usage: true } }) &&
    body.length - start - end <= 'false'.length &&
    edited.length - start - end <= '"stream_options":{"include_usage":true},'.length
  );
}

describe('the editor of stream_options', () => {
  const bodies = nearly(
    [
      '{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}',
      '{"stream":true,"stream_options":{"include_usage":false,"x":[1,{"include_usage":0}]},"n":12345678901234567890}',
      ' {\t"stream" : true , "stream_options" : null , "a\\"b\\\\" : "\\\\" }\r\n',
      '{"stream_options":{},"stream":true,"stream_options":{"include_usage":null}}',
      '{"stream":true,"stream_\\u006fptions":{"include\\u005fusage":false},"u":"\xe4\xbd\xa0\xff"}',
    ],
    anyByte,
  );

  it('sets the flag and changes no other byte, or leaves the body alone', { timeout: 60_000 + LONG_MS }, () => {
    let edits = 0;
    fc.assert(
      fc.property(bodies, (body) => {
        const facts = readRequestFacts(body, CHAT);
        const usage = facts?.usageRequest ?? 'none';
        const edited = askForUsage(body, usage);
        if (usage !== 'none') edits += 1;
        expect(usage === 'none' ? edited === body : isRightEdit(body, edited)).toBe(true);
      }),
      budget('the editor of stream_options', 15_000),
    );
    expect(edits).toBeGreaterThan(1_000);
  });
});

describe('the gateway, as a server', () => {
  const REQUESTS = [
    'POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 27\r\n\r\n{"model":"m","messages":[]}',
    'POST /v1/embeddings HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1b\r\n{"model":"m","messages":[]}\r\n0\r\n\r\n',
    'POST /v1/messages?x=y HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\nx-request-id: a\r\ncontent-length: 2\r\n\r\n{}',
    'GET /health HTTP/1.1\r\nhost: x\r\n\r\nGET /stats HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n',
    'OPTIONS /v1/completions HTTP/1.1\r\nhost: x\r\norigin: http://a\r\n\r\nHEAD /v1/models HTTP/1.0\r\n\r\n',
    'POST /v1/audio/transcriptions HTTP/1.1\r\nhost: x\r\ncontent-type: multipart/form-data; boundary=b\r\ncontent-length: 60\r\n\r\n' +
      '--b\r\ncontent-disposition: form-data; name="model"\r\n\r\nm\r\n--b--',
  ];
  const AT_A_TIME = 20;

  it('survives any bytes, passes nothing ambiguous on and accounts for every request', { timeout: 120_000 + LONG_MS }, async () => {
    const upstream = await RawUpstream.start();
    onTestFinished(() => upstream.close());
    const gateway = await GatewayProcess.start(upstream.url, {}, (kill) => onTestFinished(kill));
    const byte = fc.oneof(fc.constantFrom(...Buffer.from('\r\n\r\n :,;/?%"{}0123')), fc.nat(255));
    const message = fc.tuple(nearly(REQUESTS, byte), fc.array(fc.nat(4_096), { maxLength: 3 }));
    const fates: string[] = [];
    await fc.assert(
      fc.asyncProperty(fc.array(message, { minLength: AT_A_TIME, maxLength: AT_A_TIME }), async (messages) => {
        const sent = messages.map(([bytes, places]) => exchange(gateway.url, pieces(bytes, places), 60));
        for (const answer of await Promise.all(sent)) {
          expect(answer).toMatch(/^(HTTP\/1\.1 [1-5]\d\d [^]*)?$/);
          expect(answer).not.toMatch(/^HTTP\/1\.1 500 /m);
          fates.push(...(answer.match(/^HTTP\/1\.1 \d+/gm) ?? ['no answer']));
        }
        expect(upstream.faults).toEqual([]);
      }),
      budget('the gateway', 30),
    );
    await gateway.idle();
    const { requests } = await gateway.stats();
    expect(await gateway.app.signal('SIGTERM')).toBe(0);
    const told = await Told.read(`file:${gateway.folder}`);
    const received = [...told.requests.values()].reduce((sum, one) => sum + one.received, 0);
    expect([told.unbalanced(), told.missing, received]).toEqual([[], 0, requests.received]);
    expect(received).toBeGreaterThanOrEqual(upstream.requests.filter(({ startLine }) => startLine.startsWith('POST')).length);
    console.log(tally(fates), told.counts());
  });
});
