import type { Dispatcher } from 'undici';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { OriginCall } from './origin-call.js';
import type { AnswerHandler } from './origin-pool.js';

const TIMEOUTS = { connectMs: 10, headersMs: 100, idleMs: 20, keepAliveMs: 10 };
const CHUNK = Buffer.from('x');

let told: string[];
let takesMore: boolean;
let handler: AnswerHandler;
let controller: Dispatcher.DispatchController & { readonly calls: string[] };

function controllerThatRecords(): typeof controller {
  const calls: string[] = [];
  return {
    calls,
    aborted: false,
    paused: false,
    reason: null,
    rawHeaders: [Buffer.from('Content-Type'), Buffer.from('text/plain'), Buffer.from('X-Name'), Buffer.from([0xe9])],
    abort: () => calls.push('abort'),
    pause: () => calls.push('pause'),
    resume: () => calls.push('resume'),
  };
}

beforeEach(() => {
  vi.useFakeTimers();
  told = [];
  takesMore = true;
  controller = controllerThatRecords();
  handler = {
    head: ({ status, headers }) => told.push(`head ${status} ${headers.join('|')}`),
    data: () => {
      told.push('data');
      return takesMore;
    },
    end: () => told.push('end'),
    failed: (cause) => told.push(`failed ${cause}`),
  };
});

afterEach(() => {
  vi.useRealTimers();
});

function startedCall(): OriginCall {
  const call = new OriginCall(handler, TIMEOUTS);
  call.onRequestStart(controller);
  return call;
}

describe('OriginCall', () => {
  it('tells head, data and end, and leaves interim answers out', () => {
    const call = startedCall();
    call.onResponseStart(controller, 103, {});
    call.onResponseStart(controller, 200, {});
    call.onResponseData(controller, CHUNK);
    call.onResponseEnd();
    vi.runAllTimers();
    expect(told).toEqual(['head 200 Content-Type|text/plain|X-Name|é', 'data', 'end']);
  });

  it('that was given up before there was a connection is never sent', () => {
    const call = new OriginCall(handler, TIMEOUTS);
    call.abort();
    call.onRequestStart(controller);
    call.onResponseError(controller, new Error('aborted'));
    expect([told, controller.calls]).toEqual([[], ['abort']]);
  });

  it('tells nothing more once it was given up', () => {
    const call = startedCall();
    call.abort();
    call.onResponseStart(controller, 200, {});
    call.onResponseData(controller, CHUNK);
    call.onResponseEnd();
    vi.runAllTimers();
    expect([told, controller.calls]).toEqual([[], ['abort']]);
  });

  it('knows a connection that never was from one that broke', () => {
    new OriginCall(handler, TIMEOUTS).onResponseError(undefined, new Error('refused'));
    startedCall().onResponseError(controller, new Error('reset'));
    expect(told).toEqual(['failed unreachable', 'failed broken']);
  });

  it('waits for the first bytes of the body, then for each next', () => {
    const call = startedCall();
    vi.advanceTimersByTime(60);
    call.onResponseStart(controller, 200, {});
    vi.advanceTimersByTime(39);
    call.onResponseData(controller, CHUNK);
    for (let round = 0; round < 5; round += 1) {
      vi.advanceTimersByTime(19);
      call.onResponseData(controller, CHUNK);
    }
    expect(told.filter((what) => what.startsWith('failed'))).toEqual([]);
    vi.advanceTimersByTime(20);
    expect([told.at(-1), controller.calls]).toEqual(['failed timeout', ['abort']]);
  });

  it('stops the clock while the client holds the answer up', () => {
    const call = startedCall();
    takesMore = false;
    call.onResponseStart(controller, 200, {});
    call.onResponseData(controller, CHUNK);
    vi.advanceTimersByTime(10_000);
    expect(controller.calls).toEqual(['pause']);
    call.resume();
    vi.advanceTimersByTime(19);
    expect(told.at(-1)).toBe('data');
    vi.advanceTimersByTime(1);
    expect([told.at(-1), controller.calls]).toEqual(['failed timeout', ['pause', 'resume', 'abort']]);
  });

  it.each(['head', 'data', 'end'] as const)('takes a mistake in %s for its own side’s, once', (method) => {
    handler[method] = () => {
      throw new Error('a mistake');
    };
    const call = startedCall();
    call.onResponseStart(controller, 200, {});
    call.onResponseData(controller, CHUNK);
    call.onResponseEnd();
    vi.runAllTimers();
    expect(told.filter((what) => what.startsWith('failed'))).toEqual(['failed internal']);
    expect(controller.calls).toEqual(['abort']);
  });
});
