import { afterEach, beforeEach, expect, it } from 'vitest';
import { ScriptedUpstream, streamWords } from './scripted-upstream.fixture.js';
import { chatBody, send, TestGateway, until } from './test-gateway.fixture.js';

const PLACES = 4;
const QUEUE = 8;
const CROWD = 10 * (PLACES + QUEUE);

let upstream: ScriptedUpstream;
let gateway: TestGateway;

beforeEach(async () => {
  upstream = await ScriptedUpstream.start();
});

afterEach(async () => {
  await gateway.drain();
  await gateway.close();
  await upstream.close();
});

it('ten times too many: those for whom there is room are served, all others are told at once when to come again', async () => {
  gateway = await TestGateway.start(upstream.url, { MAX_CONCURRENT_REQUESTS: `${PLACES}`, MAX_QUEUE_SIZE: `${QUEUE}` });
  const allAreHere = Promise.withResolvers<void>();
  upstream.script = (request, response) => void allAreHere.promise.then(() => streamWords('a')(request, response));
  const crowd = Array.from(
    { length: CROWD },
    () => send(`${gateway.url}/v1/chat/completions`, { body: chatBody({ stream: true }) }).answer,
  );
  await until(
    () => gateway.ofType('io.inferometer.request.failed.v1').length === CROWD - PLACES - QUEUE,
    () => 'the refusals, before any place has become free',
  );
  allAreHere.resolve();
  const answers = await Promise.all(crowd);
  const served = answers.filter(({ status, complete }) => status === 200 && complete);
  const refused = answers.filter(({ status }) => status === 503);
  expect([served.length, refused.length]).toEqual([PLACES + QUEUE, CROWD - PLACES - QUEUE]);
  expect(refused.every(({ headers }) => /^[1-9]\d*$/.test(headers['retry-after'] ?? ''))).toBe(true);
  expect(await gateway.terminals(CROWD)).toHaveLength(CROWD);
  expect(upstream.peak).toBe(PLACES);
});
