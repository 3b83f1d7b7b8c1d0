import { gzipSync } from 'node:zlib';
import { request } from 'undici';
import { describe, expect, it, onTestFinished } from 'vitest';
import { waitFor } from '../support/wait.js';
import { ambiguousMessage } from './harness/ambiguous.js';
import { GatewayProcess, mebibytes } from './harness/gateway-process.js';
import { OpenLoop } from './harness/open-loop.js';
import { inLongRun, randomFor, rounds } from './harness/plan.js';
import { BOMB, RawUpstream } from './harness/raw-upstream.js';
import { tally, Told } from './harness/told.js';
import { Dawdlers, exchange } from './harness/wire.js';

const DAWDLERS = 300;
const MESSAGES = inLongRun(250 * rounds(1), 400);
const HEADER_BOMBS = inLongRun(200, 20);
const BOMBS = inLongRun(100, 10);
const AT_A_TIME = 40;
const REQUESTS_PER_SECOND = 100;
const MOST_GROWTH_BYTES = 200_000_000;
/** A head has a minute, and the clock is looked at every half. */
const DISMISSAL_DEADLINE_MS = 120_000;

const POST = 'POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n';

async function manyTimes(count: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const one = async (): Promise<void> => {
    while (next < count) await work((next += 1));
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, one));
}

async function headerBomb(url: string, index: number): Promise<void> {
  const bomb =
    index % 2 === 0 ? `x: ${'y'.repeat(1_000_000)}` : Array.from({ length: 5_000 }, (_unused, line) => `x-${line}: y`).join('\r\n');
  expect(await exchange(url, [`${POST}${bomb}\r\n\r\n`])).toMatch(/^(HTTP\/1\.1 431 [^]*"headers_too_large"|$)/);
}

/** What a small body is when it is unpacked is nobody's business here: it is not JSON, and that is all. */
async function packedRequest(url: string): Promise<void> {
  const body = gzipSync(Buffer.from(`{"model":"m","messages":"${' '.repeat(50_000_000)}"}`));
  const { statusCode, body: answer } = await request(`${url}/v1/chat/completions`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
  });
  expect([statusCode, await answer.text()]).toEqual([400, expect.stringContaining('"invalid_json"')]);
}

/** It passes as it came, unread. */
async function packedAnswer(url: string): Promise<void> {
  const { statusCode, headers, body } = await request(`${url}/v1/chat/completions`, { method: 'POST', body: '{"model":"bomb"}' });
  const bytes = Buffer.from(await body.arrayBuffer());
  expect([statusCode, headers['content-encoding'], bytes.equals(BOMB)]).toEqual([200, 'gzip', true]);
}

/** All kinds of them, one after the other; answers what became of the ambiguous messages. */
async function attack(url: string, messages: readonly string[]): Promise<readonly string[]> {
  const packed = Math.ceil(BOMBS / 2);
  for (let done = 0; done < packed; done += 1) {
    await packedRequest(url);
    await packedAnswer(url);
  }
  await manyTimes(HEADER_BOMBS, (index) => headerBomb(url, index));
  const fates: string[] = [];
  await manyTimes(messages.length, async (index) => {
    const answer = await exchange(url, [messages[index - 1]!], 150);
    fates.push(...(answer.match(/HTTP\/1\.1 \d+/g) ?? ['no answer']));
  });
  return fates;
}

async function expectDismissal(dawdlers: Dawdlers): Promise<void> {
  await waitFor('the half heads to be refused', async () => dawdlers.dismissed.length === DAWDLERS, DISMISSAL_DEADLINE_MS);
  expect(tally(dawdlers.dismissed.map((text) => text.slice(0, 12)))).toEqual({ 'HTTP/1.1 408': DAWDLERS });
}

describe('fault 18: hostile clients', () => {
  it('are refused, nothing ambiguous goes up, and others notice nothing', { timeout: 300_000 + DISMISSAL_DEADLINE_MS }, async () => {
    const random = randomFor('hostile clients');
    const upstream = await RawUpstream.start();
    onTestFinished(() => upstream.close());
    const gateway = await GatewayProcess.start(upstream.url, {}, (kill) => onTestFinished(kill));
    const { url } = gateway;
    const load = new OpenLoop(url, 'good');
    load.start(REQUESTS_PER_SECOND);
    await waitFor('the load to be served', async () => load.ended > 50);
    const before = await gateway.residentBytes();
    const halfHeads = new Dawdlers(url, DAWDLERS, POST, 'x: y\r\n');
    const halfBodies = new Dawdlers(url, DAWDLERS, `${POST}content-length: 1000000\r\n\r\n`, 'x');
    onTestFinished(() => halfHeads.stop());
    onTestFinished(() => halfBodies.stop());

    const fates = await attack(
      url,
      Array.from({ length: MESSAGES }, (_unused, index) => ambiguousMessage(random, `odd-${index}`)),
    );
    const grown = (await gateway.residentBytes()) - before;
    if (inLongRun(true, false)) await expectDismissal(halfHeads);
    halfHeads.stop();
    halfBodies.stop();
    const answers = await load.stop();
    await gateway.idle();
    expect(await gateway.app.signal('SIGTERM')).toBe(0);

    expect(tally(answers.map(({ status }) => String(status)))).toEqual({ 200: answers.length });
    expect(upstream.faults).toEqual([]);
    const told = await Told.read(`file:${gateway.folder}`);
    expect([told.unbalanced(), told.missing]).toEqual([[], 0]);
    // What went up is what came in: no request came inside of another one. Those of one name share it, with a suffix.
    const cameIn = tally(
      [...told.requests].flatMap(([id, { received }]) => Array.from({ length: received }, () => id.replace(/~\d+$/, ''))),
    );
    const wentUp = tally(upstream.requests.map(({ id }) => id));
    expect(Object.entries(wentUp).filter(([id, times]) => times > (cameIn[id] ?? 0))).toEqual([]);
    for (const { body } of upstream.requests) expect(() => JSON.parse(body) as unknown).not.toThrow();
    console.log(`${answers.length} good requests; memory +${mebibytes(grown)}; ${MESSAGES} ambiguous messages:`, tally(fates));
    expect(grown).toBeLessThan(MOST_GROWTH_BYTES);
  });
});
