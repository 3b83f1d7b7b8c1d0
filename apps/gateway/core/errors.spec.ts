import { describe, expect, it } from 'vitest';
import { errorBody, errorTypeOf, INVALID_JSON, notFound, QUEUE_TIMEOUT, queueFull, refusedBody } from './errors.js';
import { MESSAGES } from './operations.js';

describe('errorBody', () => {
  it('has the shape of OpenAI', () => {
    expect(JSON.parse(errorBody(INVALID_JSON))).toEqual({
      error: { message: 'The request body is not a JSON object.', type: 'invalid_request_error', code: 'invalid_json', param: null },
    });
  });

  it('tells the size of a full queue beside the error', () => {
    expect(JSON.parse(errorBody(queueFull(10, 10)))).toMatchObject({
      error: { type: 'server_error', code: 'queue_full' },
      queue_size: 10,
      max_queue_size: 10,
    });
  });

  it('has the shape of Anthropic on messages', () => {
    expect(JSON.parse(errorBody(QUEUE_TIMEOUT, MESSAGES))).toEqual({
      type: 'error',
      error: { type: 'overloaded_error', message: 'The request waited too long in the queue.' },
    });
    expect(JSON.parse(errorBody(refusedBody(413, 9), MESSAGES))).toMatchObject({ error: { type: 'request_too_large' } });
    expect(JSON.parse(errorBody(refusedBody(415, 9), MESSAGES))).toMatchObject({ error: { type: 'invalid_request_error' } });
  });

  it('names the route that is not there', () => {
    expect(notFound('GET', '/x')).toMatchObject({ status: 404, message: 'There is no GET /x.' });
  });
});

describe('errorTypeOf', () => {
  it.each([
    [200, undefined],
    [299, undefined],
    [304, 'upstream_error'],
    [400, 'invalid_request'],
    [401, 'unauthorized'],
    [403, 'unauthorized'],
    [404, 'not_found'],
    [413, 'invalid_request'],
    [422, 'invalid_request'],
    [429, 'rate_limited'],
    [500, 'upstream_error'],
    [503, 'upstream_error'],
  ])('%i is %s', (status, errorType) => {
    expect(errorTypeOf(status)).toBe(errorType);
  });
});
