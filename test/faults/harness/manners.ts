import type { ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { chatChunk, DONE, startStream } from '../../../apps/gateway/scripted-upstream.fixture.js';

/** What becomes of a request that meets an upstream of some manner. */
export interface Outcome {
  /** What the client asks for. */
  readonly stream: boolean;
  /** The ends that it may have, as `Told` writes them. */
  readonly ends: readonly string[];
  /** The client gets a whole answer, by the rules of HTTP. */
  readonly whole: boolean;
}

export const TOKEN = chatChunk({ content: 'x' });
/** What the faulty upstream's own error answers hold. */
const OWN_WORDS = '{"detail":"its own words"}';
const GIANT_LINE = `data: {"x":"${'y'.repeat(10_000_000)}"}\n\n`;
const FLOOD = Buffer.from(chatChunk({ content: 'x'.repeat(4_096) }).repeat(16));
const FLOODS = 1_000;

const COMPLETED = { ends: ['completed 200'], whole: true } as const;

/** The manners of a faulty upstream, and what the gateway makes of them. */
export const OUTCOMES = {
  plain: { ...COMPLETED, stream: false },
  words: { ...COMPLETED, stream: true },
  drip: { ...COMPLETED, stream: true },
  giant_line: { ...COMPLETED, stream: true },
  garbage_frames: { ...COMPLETED, stream: true },
  complains: { ...COMPLETED, stream: true },
  flood: { ...COMPLETED, stream: true },
  hangs: { stream: true, ends: ['upstream_timeout 504'], whole: true },
  silent_after_head: { stream: true, ends: ['upstream_timeout 200'], whole: false },
  silent_in_stream: { stream: true, ends: ['upstream_timeout 200'], whole: false },
  closes: { stream: true, ends: ['upstream_unreachable 502'], whole: true },
  not_http: { stream: false, ends: ['upstream_unreachable 502'], whole: true },
  resets_stream: { stream: true, ends: ['stream_truncated 200'], whole: false },
  breaks_off: { stream: false, ends: ['upstream_error 200'], whole: false },
  no_done: { stream: true, ends: ['stream_truncated 200'], whole: true },
  error_frame: { stream: true, ends: ['upstream_error 200'], whole: true },
  status_500: { stream: true, ends: ['upstream_error 500'], whole: true },
  status_429: { stream: false, ends: ['rate_limited 429'], whole: true },
  status_400: { stream: true, ends: ['invalid_request 400'], whole: true },
} satisfies Record<string, Outcome>;

export type Manner = keyof typeof OUTCOMES;

/** One answer under way. `wroteToken` and `cutHere` are the upstream's own account of it. */
export interface Answering {
  readonly response: ServerResponse;
  readonly asksForUsage: boolean;
  /** Between 0 and 1. */
  readonly dice: number;
  wroteToken: boolean;
  /** The upstream itself has ended the connection. */
  cutHere: boolean;
}

/** What an upstream of each manner does with one request. Nothing that it starts outlives the response. */
export const MANNERS: Readonly<Record<Manner, (answering: Answering) => void | Promise<void>>> = {
  plain: ({ response }) => json(response, 200, '{"choices":[{"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}'),
  words: async (answering) => {
    await words(answering);
    answering.response.end(DONE);
  },
  drip: async ({ response }) => {
    startStream(response);
    for (const byte of `data: {}\n\n${DONE}`) {
      response.write(byte);
      await wait(10);
    }
    response.end();
  },
  giant_line: (answering) => stream(answering, GIANT_LINE + DONE),
  garbage_frames: (answering) => stream(answering, Buffer.from('data: {"choices":[\n\n\xff\xfe: \n\ndata: 5\n\ndata: [DONE]', 'latin1')),
  complains: (answering) =>
    answering.asksForUsage
      ? json(answering.response, 400, '{"error":{"message":"unknown field stream_options"}}')
      : MANNERS.words(answering),
  flood: async ({ response }) => {
    startStream(response);
    const closed = new Promise((resolve) => response.once('close', resolve));
    for (let sent = 0; sent < FLOODS && !response.destroyed; sent += 1) {
      if (!response.write(FLOOD)) await Promise.race([closed, new Promise((resolve) => response.once('drain', resolve))]);
    }
    response.end(DONE);
  },
  hangs: () => {},
  silent_after_head: ({ response }) => {
    startStream(response);
    response.flushHeaders();
  },
  silent_in_stream: (answering) => words(answering),
  closes: (answering) => cut(answering, 'close'),
  not_http: (answering) => {
    answering.cutHere = true;
    answering.response.socket?.end('garbage\r\n\r\n');
  },
  resets_stream: async (answering) => {
    await words(answering);
    // The words are to arrive first: a reset overtakes what its receiver has not read.
    await wait(30);
    cut(answering, answering.dice < 0.5 ? 'reset' : 'close');
  },
  breaks_off: ({ response, ...rest }) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': 100 });
    response.write('{"choices":', () => cut({ response, ...rest }, 'close'));
  },
  no_done: async (answering) => {
    await words(answering);
    answering.response.end();
  },
  error_frame: (answering) => stream(answering, `${TOKEN}data: {"error":{"message":"dead"}}\n\n${DONE}`),
  status_500: ({ response }) => json(response, 500, OWN_WORDS),
  status_429: ({ response }) => json(response, 429, OWN_WORDS),
  status_400: ({ response }) => json(response, 400, OWN_WORDS),
};

function json(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }).end(body);
}

function stream(answering: Answering, body: string | Buffer): void {
  startStream(answering.response);
  answering.wroteToken = true;
  answering.response.end(body);
}

/** Some tokens, with pauses. */
async function words(answering: Answering): Promise<void> {
  const { response, dice } = answering;
  await wait(dice * 8);
  if (response.destroyed) return;
  startStream(response);
  for (let left = 1 + Math.floor(dice * 6); left > 0 && !response.destroyed; left -= 1) {
    answering.wroteToken = true;
    response.write(TOKEN);
    await wait(((dice * 97) % 1) * 4);
  }
}

function cut(answering: Answering, how: 'close' | 'reset'): void {
  answering.cutHere = true;
  if (how === 'reset') answering.response.socket?.resetAndDestroy();
  answering.response.destroy();
}
