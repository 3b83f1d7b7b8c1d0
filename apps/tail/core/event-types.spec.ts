import { describe, expect, it } from 'vitest';
import { inputsOf, plainName, STREAMED_TYPES, typesNamed, USUAL_TYPES } from './event-types.js';

const COMPLETED = 'io.inferometer.request.completed.v1';

describe('the name of a type', () => {
  it.each([COMPLETED, 'request.completed.v1', 'request.completed', 'completed'])('may be %s', (name) => {
    expect(typesNamed(name)).toEqual([COMPLETED]);
  });

  it('may stand for several types', () => {
    expect(typesNamed('heartbeat').map(plainName)).toEqual(['gateway.heartbeat', 'aggregator.heartbeat']);
  });

  it.each(['', '.', 'v1', 'complete', 'COMPLETED', 'pleted', 'request', 'alert.changed', 'token'])('is not %j', (name) => {
    expect(typesNamed(name)).toEqual([]);
  });

  it('is told by its plain name', () => {
    expect(STREAMED_TYPES.map((type) => typesNamed(plainName(type)))).toEqual(STREAMED_TYPES.map((type) => [type]));
  });
});

describe('the types', () => {
  it('leave out heartbeats unless they are asked for', () => {
    expect(USUAL_TYPES.map(plainName)).toEqual([
      'request.received',
      'request.started',
      'request.first_token',
      'request.completed',
      'request.failed',
      'request.cancelled',
      'gpu.read',
    ]);
  });

  it('say which topics they are in', () => {
    expect(Object.fromEntries(STREAMED_TYPES.slice(5).map((type) => [plainName(type), inputsOf(type)]))).toEqual({
      'request.cancelled': ['requests'],
      'gateway.heartbeat': ['requests'],
      'aggregator.heartbeat': ['requests', 'gpus'],
      'gpu.read': ['gpus'],
    });
  });
});
