import { describe, expect, it } from 'vitest';
import { CHAT } from './operations.js';
import { readRequestFacts as readFacts, type RequestFacts } from './request-facts.js';

function readRequestFacts(body: string, operation = CHAT): RequestFacts | undefined {
  return readFacts(Buffer.from(body), operation);
}

describe('readRequestFacts', () => {
  it('reads what events tell', () => {
    const body = JSON.stringify({ model: 'a/b', stream: true, max_tokens: 9, n: 2, stream_options: { include_usage: true } });
    expect(readRequestFacts(body)).toEqual({ model: 'a/b', stream: true, maxTokens: 9, n: 2, usageRequest: 'none' });
  });

  it('prefers the newer name of the token limit', () => {
    expect(readRequestFacts('{"max_tokens":1,"max_completion_tokens":2}')).toMatchObject({ maxTokens: 2 });
  });

  it.each(['', '[]', 'null', '"x"', '{"a":}', '\uFEFF{}'])('refuses %j', (body) => {
    expect(readRequestFacts(body)).toBeUndefined();
  });

  it('does without what makes no sense', () => {
    const body = JSON.stringify({ model: 5, stream: 'yes please', max_tokens: -1, n: 1.5 });
    expect(readRequestFacts(body)).toEqual({ model: '', stream: false, usageRequest: 'none' });
  });

  it('cuts long model names', () => {
    expect(readRequestFacts(JSON.stringify({ model: 'x'.repeat(300) }))?.model).toHaveLength(256);
  });

  it('is not fooled by prototype names', () => {
    const body = '{"__proto__":{"stream_options":null,"model":"evil"},"stream":true}';
    expect(readRequestFacts(body)).toEqual({ model: '', stream: true, usageRequest: 'add_options' });
  });
});
