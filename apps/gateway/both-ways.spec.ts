import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TOKEN, Visit, type Outcome } from './both-ways.fixture.js';
import { answerJson, chatChunk, ScriptedUpstream, startStream, streamWords, type Script } from './scripted-upstream.fixture.js';
import { chatBody, send, until } from './test-gateway.fixture.js';
import { NODES_WAY } from './wire.fixture.js';

/*
 * A plain request is served on the socket, any other by Node's HTTP server. But for one header that makes it go Node's way, the same request must be
 * answered in the same bytes and be told of in the same events.
 */

let upstream: ScriptedUpstream;

beforeEach(async () => {
  upstream = await ScriptedUpstream.start();
});
afterEach(() => upstream.close());

interface Scene {
  /** One where undefined. */
  readonly requests?: number;
  readonly env?: Record<string, string>;
  readonly script?: Script;
  readonly act: (visit: Visit) => Promise<void>;
}

const holdStream: Script = (_request, response) => {
  startStream(response);
  response.write(chatChunk({ content: 'x' }));
};

const SCENES: Readonly<Record<string, Scene>> = {
  'a whole answer': {
    script: answerJson({ choices: [{ finish_reason: 'stop' }], usage: { prompt_tokens: 1, completion_tokens: 2 } }),
    act: async (visit) => {
      visit.post('a');
      await visit.receives(/completion_tokens/);
    },
  },
  'a stream': {
    script: streamWords('a', 'b'),
    act: async (visit) => {
      visit.post('a', chatBody({ stream: true }));
      await visit.receives(/\[DONE\]\s+0\r\n\r\n/);
    },
  },
  'a stream, and the end of the connection after it': {
    script: streamWords('a', 'b'),
    act: async (visit) => {
      visit.post('a', chatBody({ stream: true }), 'connection: close\r\n');
      await visit.closes();
    },
  },
  'answers in a row with other framings': {
    requests: 3,
    script: (request, response) => {
      if (request.headers['x-request-id'] === 'b') streamWords('w')(request, response);
      else answerJson({ id: request.headers['x-request-id'] })(request, response);
    },
    act: async (visit) => {
      visit.post('a');
      await visit.receives(/"id":"a"\}/);
      visit.post('b', chatBody({ stream: true }));
      await visit.receives(/\[DONE\]\s+0\r\n\r\n/);
      visit.post('c');
      await visit.receives(/"id":"c"\}/);
    },
  },
  'an answer without a body': {
    script: (_request, response) => void response.writeHead(204).end(),
    act: async (visit) => {
      visit.post('a');
      await visit.receives(/204 No Content[^]*\r\n\r\n/);
    },
  },
  'an answer of no length': {
    script: (_request, response) => void response.writeHead(200, { 'content-length': 0 }).end(),
    act: async (visit) => {
      visit.post('a');
      await visit.receives(/200 OK[^]*\r\n\r\n/);
    },
  },
  'an answer of the upstream that breaks off': {
    script: (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': 100 });
      response.write('{"a":', () => response.destroy());
    },
    act: async (visit) => {
      visit.post('a');
      await visit.closes();
    },
  },
  'a stream that breaks off': {
    script: (_request, response) => {
      startStream(response);
      response.write(chatChunk({ content: 'x' }), () => response.destroy());
    },
    act: async (visit) => {
      visit.post('a', chatBody({ stream: true }));
      await visit.closes();
    },
  },
  'an upstream that hangs up': {
    script: (_request, response) => void response.destroy(),
    act: async (visit) => {
      visit.post('a');
      await visit.receives(/502 [^]*"error"[^]*\}$/);
    },
  },
  'a body that is no JSON': {
    act: async (visit) => {
      visit.post('a', '{nope');
      await visit.receives(/400 [^]*"error"[^]*\}$/);
    },
  },
  'no body': {
    act: async (visit) => {
      visit.post('a', '');
      await visit.receives(/400 [^]*"error"[^]*\}$/);
    },
  },
  'a body that is too large': {
    env: { MAX_BODY_BYTES: '100' },
    act: async (visit) => {
      visit.post('a', ' '.repeat(101));
      await visit.closes();
    },
  },
  'no room': {
    requests: 3,
    env: { MAX_CONCURRENT_REQUESTS: '1', MAX_QUEUE_SIZE: '1', QUEUE_TIMEOUT_MS: '30' },
    script: (request, response) => setTimeout(() => streamWords('w')(request, response), 300),
    act: async (visit) => {
      const others = ['x', 'y'].map((id) =>
        send(`${visit.gateway.url}/v1/chat/completions`, { headers: { 'x-request-id': id }, body: chatBody() }),
      );
      await until(
        () => visit.gateway.ofType('io.inferometer.request.received.v1').length === 2,
        () => 'the others',
      );
      visit.post('a');
      await visit.receives(/(429|503) [^]*"error"[^]*\}$/);
      await Promise.all(others.map(({ answer }) => answer));
    },
  },
  'a client that hangs up while it waits for the answer': {
    script: () => {},
    act: async (visit) => {
      visit.post('a');
      await visit.upstreamHas(1);
      visit.socket.resetAndDestroy();
    },
  },
  'a client that hangs up within a stream': {
    script: holdStream,
    act: async (visit) => {
      visit.post('a', chatBody({ stream: true }));
      await visit.receives(/"content":"x"/);
      visit.hangUp();
    },
  },
  'a client that has said that it sends no more': {
    script: holdStream,
    act: async (visit) => {
      visit.post('a', chatBody({ stream: true }));
      await visit.receives(/"content":"x"/);
      visit.socket.end();
    },
  },
  'a client that has said so, and is waited for': {
    env: { CLIENT_HALF_CLOSE: 'waits' },
    script: (request, response) => setTimeout(() => streamWords('w')(request, response), 20),
    act: async (visit) => {
      visit.post('a', chatBody({ stream: true }));
      visit.socket.end();
      await visit.closes();
    },
  },
  'a request that the operator cancels': {
    script: holdStream,
    act: async (visit) => {
      visit.post('a', chatBody({ stream: true }));
      await visit.receives(/"content":"x"/);
      await send(`${visit.gateway.url}/admin/requests/a`, { method: 'DELETE', headers: { authorization: `Bearer ${TOKEN}` } }).answer;
      await visit.closes();
    },
  },
  'a drain within a stream': {
    env: { DRAIN_TIMEOUT_MS: '50' },
    script: holdStream,
    act: async (visit) => {
      visit.post('a', chatBody({ stream: true }));
      await visit.receives(/"content":"x"/);
      await visit.gateway.drain();
      await visit.closes();
    },
  },
};

describe('the same in both ways', () => {
  it.each(Object.entries(SCENES))('%s', async (_name, { requests = 1, env = {}, script, act }) => {
    if (script) upstream.script = script;
    const outcomes: Outcome[] = [];
    for (const way of ['', NODES_WAY]) {
      const visit = await Visit.start(upstream, way, env);
      await act(visit);
      outcomes.push(await visit.end(requests));
    }
    expect(outcomes[0]).toEqual(outcomes[1]);
    expect(outcomes[0]!.events.length).toBeGreaterThanOrEqual(2 * requests);
  });
});

it('a body that comes slowly is timed from its head on, whoever reads it in the end', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  try {
    upstream.script = answerJson({});
    const visit = await Visit.start(upstream, '', {});
    const body = chatBody();
    visit.send(`POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n{`);
    // With this answer the gateway has surely read what came before.
    await send(`${visit.gateway.url}/health`, { method: 'GET' }).answer;
    const headCameMs = performance.now();
    await until(
      () => performance.now() - headCameMs > 300,
      () => 'some time to pass',
    );
    vi.advanceTimersByTime(7_000);
    visit.send(body.slice(1));
    await visit.receives(/200 OK/);
    const { duration_ms: durationMs } = await visit.gateway.completed();
    await visit.end(1);
    expect(durationMs).toBeGreaterThan(300);
  } finally {
    vi.useRealTimers();
  }
});

it.each(['', NODES_WAY])('an idle connection does not hold up a drain (%j)', async (way) => {
  upstream.script = answerJson({});
  const visit = await Visit.start(upstream, way, {});
  visit.post('a');
  await visit.receives(/200 OK/);
  await visit.gateway.drain();
  await visit.closes();
  const { received } = await visit.end(1);
  expect(received).toContain('Keep-Alive');
});
