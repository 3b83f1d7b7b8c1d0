import { beforeEach, describe, expect, it } from 'vitest';
import type { AnswerHead } from '../core/answer-head.js';
import { OriginCall, type Carrier } from './origin-call.js';
import type { AnswerHandler } from './origin-pool.js';

const TIMEOUTS = { connectMs: 10, headersMs: 100, idleMs: 20, keepAliveMs: 10 };
const CHUNK = Buffer.from('x');
const REASON = new Error('reset');

let told: string[];
let asked: string[];
let takesMore: boolean;
let handler: AnswerHandler;

const carrier: Carrier = {
  pause: () => asked.push('pause'),
  resume: () => asked.push('resume'),
  destroy: () => asked.push('destroy'),
  limit: (ms) => asked.push(`limit ${ms}`),
};

beforeEach(() => {
  told = [];
  asked = [];
  takesMore = true;
  handler = {
    sent: () => told.push('sent'),
    head: ({ status }) => told.push(`head ${status}`),
    data: () => {
      told.push('data');
      return takesMore;
    },
    end: () => told.push('end'),
    failed: (cause) => told.push(`failed ${cause}`),
  };
});

function carriedCall(): OriginCall {
  const call = new OriginCall(handler, TIMEOUTS);
  call.carriedBy(carrier);
  return call;
}

function sentCall(): OriginCall {
  const call = carriedCall();
  call.sent();
  return call;
}

function headOf(contentLength?: number): AnswerHead {
  return { status: 200, statusText: 'OK', headers: [], contentType: '', contentLength, isEncoded: false };
}

describe('OriginCall', () => {
  it('tells everything in turn', () => {
    const call = sentCall();
    call.head(headOf());
    call.data(CHUNK);
    call.end();
    expect(told).toEqual(['sent', 'head 200', 'data', 'end']);
  });

  it('tells nothing more once it was given up, and ends its connection', () => {
    const call = sentCall();
    call.abort();
    call.head(headOf());
    call.data(CHUNK);
    call.end();
    call.broke(REASON);
    call.silent();
    expect([told, asked]).toEqual([['sent'], ['limit 100', 'destroy']]);
  });

  it('knows a connection that never was from one that broke, and from one that fell silent', () => {
    carriedCall().broke(REASON);
    carriedCall().silent();
    sentCall().broke(REASON);
    sentCall().silent();
    expect(told).toEqual(['failed unreachable', 'failed unreachable', 'sent', 'failed broken', 'sent', 'failed timeout']);
  });

  it('waits for the first bytes of the body, then for each next', () => {
    const call = sentCall();
    call.head(headOf());
    call.data(CHUNK);
    call.data(CHUNK);
    expect(asked).toEqual(['limit 100', 'limit 20', 'limit 20']);
  });

  it('leaves the clock alone for a body that came at once', () => {
    const call = sentCall();
    call.head(headOf(CHUNK.length));
    call.data(CHUNK);
    expect(asked).toEqual(['limit 100']);
  });

  it('stops the clock while the client holds the answer up', () => {
    const call = sentCall();
    takesMore = false;
    call.head(headOf());
    call.data(CHUNK);
    call.resume();
    expect(asked.slice(-4)).toEqual(['pause', 'limit undefined', 'limit 20', 'resume']);
  });

  it.each(['sent', 'head', 'data', 'end'] as const)('takes a mistake in %s for its own side’s, once', (method) => {
    handler[method] = () => {
      throw new Error('a mistake');
    };
    const call = sentCall();
    call.head(headOf());
    call.data(CHUNK);
    call.end();
    call.silent();
    expect(told.filter((what) => what.startsWith('failed'))).toEqual(['failed internal']);
    expect(asked.includes('destroy')).toBe(method !== 'end');
  });

  it('leaves its connection alone once it is over: it may be another call’s by then', () => {
    const ended = sentCall();
    ended.end();
    const broken = sentCall();
    broken.broke(REASON);
    for (const call of [ended, broken]) {
      call.abort();
      call.resume();
      call.silent();
    }
    expect(asked).toEqual(['limit 100', 'limit 100']);
  });
});
