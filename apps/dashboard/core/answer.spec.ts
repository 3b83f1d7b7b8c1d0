import { describe, expect, it } from 'vitest';
import { readAnswer } from './answer.js';
import { fakeAlert, fakeDocument, fakeGpu } from './document.fixture.js';

const problemIn = (status: number, text: string) => {
  const answer = readAnswer(status, text);
  return answer.ok ? undefined : answer.problem;
};

describe('readAnswer', () => {
  it('gives the document, and the text as it came', () => {
    const document = fakeDocument({ alerts: [fakeAlert()], gpus: [fakeGpu(0, 40)] });
    const text = JSON.stringify({ ...document, added_by_a_newer_server: 1 });
    expect(readAnswer(200, text)).toEqual({ ok: true, document: JSON.parse(text), text });
  });

  it.each([401, 404, 500, 301])('does not read the body of a %i', (status) => {
    expect(problemIn(status, JSON.stringify(fakeDocument()))).toEqual({ kind: 'status', status });
  });

  it.each(['', '<html>', 'null', '3', '"text"'])('says that %j is no JSON object', (text) => {
    expect(problemIn(200, text)).toEqual({ kind: 'not_json' });
  });

  it.each([
    ['{}', 'timestamp'],
    ['[]', 'timestamp'],
    [JSON.stringify(fakeDocument({ requests: { ...fakeDocument().requests, waiting: '0' as unknown as number } })), 'requests.waiting'],
    [JSON.stringify({ ...fakeDocument(), slo: null }), 'slo.ttft.mean'],
    [JSON.stringify({ ...fakeDocument(), gpus: [fakeGpu(0, 1), {}] }), 'gpus[1].host'],
    [JSON.stringify({ ...fakeDocument(), gpus: {} }), 'gpus'],
    [JSON.stringify({ ...fakeDocument(), alerts: [null] }), 'alerts[0].name'],
    [JSON.stringify(fakeDocument()).replace('"lag_seconds":0.4', '"lag_seconds":1e999'), 'data_quality.lag_seconds'],
  ])('names the first bad field of %s', (text, path) => {
    expect(problemIn(200, text)).toEqual({ kind: 'bad_field', path });
  });
});
