import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { answerJson, DONE, ScriptedUpstream, startStream } from './scripted-upstream.fixture.js';
import { send, TestGateway } from './test-gateway.fixture.js';

let upstream: ScriptedUpstream;
let gateway: TestGateway;

beforeEach(async () => {
  upstream = await ScriptedUpstream.start();
  gateway = await TestGateway.start(upstream.url);
});

afterEach(async () => {
  await gateway.drain();
  await gateway.close();
  await upstream.close();
});

const AUDIO = Buffer.from([0x52, 0x49, 0x46, 0x46, 0, 255, 13, 10, 13, 10]);

const partHead = (rest: string) => `--b\r\nContent-Disposition: form-data; ${rest}\r\n\r\n`;

function form(model: string): Buffer {
  return Buffer.concat([
    Buffer.from(partHead('name="file"; filename="a.wav"')),
    AUDIO,
    Buffer.from(`\r\n${partHead('name="model"')}${model}\r\n${partHead('name="stream"')}true\r\n--b--\r\n`),
  ]);
}

describe('routes whose answers are not read', () => {
  it('pass their usage on without counting it', async () => {
    const answer = { results: [{ index: 0, relevance_score: 0.5 }], usage: { prompt_tokens: 5, completion_tokens: 1, total_tokens: 6 } };
    upstream.script = answerJson(answer);
    const { status, body } = await send(`${gateway.url}/v1/rerank`, { body: '{"model":"r","query":"q","documents":["d"]}' }).answer;
    expect([status, JSON.parse(body.toString())]).toEqual([200, answer]);
    const completed = await gateway.completed();
    expect(completed).toMatchObject({ operation: 'rerank', model: 'r', usage_source: 'unknown', finish_reason: 'unknown', chunks: 0 });
    expect(gateway.lifecycle(completed.request_id)).toEqual(['received', 'started', 'completed']);
  });

  it.each([
    ['transcription', '/v1/audio/transcriptions'],
    ['translation', '/v1/audio/translations'],
    ['image_edit', '/v1/images/edits'],
    ['image_variation', '/v1/images/variations'],
  ])('take forms byte for byte, and the model from them: %s', async (operation, path) => {
    upstream.script = answerJson({ text: 'hello' });
    const body = form('whisper-1');
    const headers = { 'content-type': 'multipart/form-data; boundary=b' };
    expect((await send(gateway.url + path, { headers, body }).answer).status).toBe(200);
    expect(upstream.seen[0]).toMatchObject({ url: path, headers });
    expect(upstream.seen[0]!.body.equals(body)).toBe(true);
    expect(await gateway.completed()).toMatchObject({ operation, model: 'whisper-1', stream: true });
  });

  it('take a form that makes no sense: the upstream judges it', async () => {
    upstream.script = answerJson({ error: { message: 'no file' } }, 400);
    const headers = { 'content-type': 'multipart/form-data; boundary=b' };
    const answer = await send(`${gateway.url}/v1/audio/transcriptions`, { headers, body: 'nonsense' }).answer;
    expect([answer.status, answer.body.toString()]).toEqual([400, '{"error":{"message":"no file"}}']);
    expect(await gateway.failed()).toMatchObject({ error_type: 'invalid_request', model: '' });
  });

  it('pass streams whose end they do not know, and are done when HTTP is', async () => {
    const frames = `data: {"type":"transcript.text.delta","delta":"x"}\n\n`;
    upstream.script = (_request, response) => {
      startStream(response);
      response.end(frames);
    };
    const headers = { 'content-type': 'multipart/form-data; boundary=b' };
    const answer = await send(`${gateway.url}/v1/audio/transcriptions`, { headers, body: form('w') }).answer;
    expect(answer.body.toString()).toBe(frames);
    const completed = await gateway.completed();
    expect(completed).toMatchObject({ stream: true, usage_source: 'unknown' });
    expect(completed).not.toHaveProperty('ttft_ms');
  });

  it('are cut off with the upstream', async () => {
    upstream.script = (_request, response) => {
      response.writeHead(200, { 'content-type': 'audio/mpeg' });
      response.write(AUDIO, () => response.destroy());
    };
    const answer = await send(`${gateway.url}/v1/audio/speech`, { body: '{"model":"tts","input":"hi"}' }).answer;
    expect([answer.complete, answer.body.equals(AUDIO)]).toEqual([false, true]);
    expect(await gateway.failed()).toMatchObject({ operation: 'speech', model: 'tts', error_type: 'upstream_error' });
  });

  it('want JSON where the API does', async () => {
    const answer = await send(`${gateway.url}/tokenize`, { body: DONE }).answer;
    expect(answer.status).toBe(400);
    expect(await gateway.failed()).toMatchObject({ operation: 'tokenize', error_type: 'invalid_request' });
    expect(upstream.seen).toHaveLength(0);
  });
});
