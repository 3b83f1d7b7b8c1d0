import { describe, expect, it } from 'vitest';
import { answer, failed, HEALTH, models } from './http-look.fixture.js';
import { aggregatorFinding, leadsTo, upstreamFindings, type UpstreamFacts } from './upstream-findings.js';

function upstream(more: Partial<UpstreamFacts>): UpstreamFacts {
  return { address: 'http://m:1', isOwn: false, models: models('a'), health: answer(undefined), ...more };
}

function verdictOf(more: Partial<UpstreamFacts>, hasKey = false): string {
  const [{ verdict, found, mend = '' } = expect.fail()] = upstreamFindings({ upstreams: [upstream(more)], hasKey });
  return `${verdict} ${found} → ${mend}`;
}

describe('a model server', () => {
  it('that lists its models is fine', () => {
    expect(verdictOf({ models: models('a', 'b', 'c', 'd') })).toBe('ok http://m:1 answers in 12 ms: 4 models (a, b, c and 1 more) → ');
  });

  it.each([
    [{ isOwn: true }, false, /^fail http:\/\/m:1 is the gateway itself/],
    [{ health: HEALTH.gateway }, false, /^warn .*is an Inferometer gateway: requests are counted twice/],
    [{ models: failed('refuses_connections') }, false, /^fail http:\/\/m:1 refuses connections: .* UPSTREAM_URL/],
    [{ models: answer({}, 401) }, false, /^warn .*asks for a key \(401\), and UPSTREAM_API_KEY is not set/],
    [{ models: answer({}, 401) }, true, /^fail .*refuses UPSTREAM_API_KEY \(401\)/],
    [{ models: answer({}, 403) }, true, /^fail .*refuses UPSTREAM_API_KEY \(403\)/],
    [{ models: answer({}, 302) }, false, /^fail .*redirect \(302\)/],
    [{ models: answer({}, 503) }, false, /^fail .*answers with 503/],
    [{ models: answer({}, 404) }, false, /^warn .*answers 404 at \/v1\/models/],
    [{ models: answer('hello') }, false, /^warn .*no list of models/],
    [{ models: models() }, false, /^warn .*has no model → load/],
  ] as [Partial<UpstreamFacts>, boolean, RegExp][])('with %j, a key: %s', (more, hasKey, line) => {
    expect(verdictOf(more, hasKey)).toMatch(line);
  });

  it('may not have other models than the others', () => {
    const upstreams = [upstream({ models: models('a', 'b') }), upstream({ address: 'http://n:1', models: models('a') })];
    expect(upstreamFindings({ upstreams, hasKey: false }).at(-1)).toMatchObject({
      verdict: 'warn',
      found: 'not all models are everywhere; some are missing at http://n:1',
    });
    const same = [upstream({ models: models('a', 'b') }), upstream({ models: models('b', 'a') }), upstream({ models: failed('silent') })];
    expect(upstreamFindings({ upstreams: same, hasKey: false }).map(({ verdict }) => verdict)).toEqual(['ok', 'ok', 'fail']);
  });

  it.each([
    ['http://127.0.0.1:8000', '127.0.0.1', true],
    ['http://localhost:8000/v1', '127.0.0.1', true],
    ['http://[::1]:8000', '0.0.0.0', true],
    ['http://box:8000', '0.0.0.0', true],
    ['http://BOX:8000', '::', true],
    ['http://box:8000', '127.0.0.1', false],
    ['http://10.0.0.1:8000', '10.0.0.1', true],
    ['http://127.0.0.1:8001', '127.0.0.1', false],
    ['http://other:8000', '0.0.0.0', false],
  ])('at %s is the gateway at %s: %s', (url, host, isOwn) => {
    expect(leadsTo(url, host, 8000, ['box'])).toBe(isOwn);
  });

  it('at a port that is not named is at that of its protocol', () => {
    expect([leadsTo('http://localhost', '::1', 80, []), leadsTo('https://localhost', '::1', 443, [])]).toEqual([true, true]);
    expect(leadsTo('http://localhost:80', '::1', 0, [])).toBe(false);
  });
});

describe('the aggregator that the gateway shows', () => {
  it.each([
    [HEALTH.aggregator, /^ok http:\/\/a answers in 12 ms/],
    [HEALTH.gateway, /^fail http:\/\/a is the gateway of/],
    [answer(undefined, 404), /^fail http:\/\/a is no aggregator \(it answers 404\)/],
    [failed('silent'), /^fail http:\/\/a does not answer in time/],
  ])('%j', (health, line) => {
    const { verdict, found } = aggregatorFinding('http://a', health);
    expect(`${verdict} ${found}`).toMatch(line);
  });
});
