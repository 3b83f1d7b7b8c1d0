import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { NO_FAULT } from '../core/faults.js';
import { FrameWriter } from '../core/frames.js';
import { Progress } from '../core/progress.js';
import { Exchange, type Outcome } from './exchange.js';
import { Pacer } from './pacer.js';
import { StreamAnswer } from './stream-answer.js';

/** A response whose client does not read until it is told to. */
class LazyResponse extends EventEmitter {
  written = 0;
  isFull = true;

  writeHead(): void {}

  write(text: string): boolean {
    this.written += text.split('\n\n').length - 1;
    return !this.isFull;
  }

  end(text: string): void {
    this.write(text);
  }
}

function answerOf(tokens: number, response: LazyResponse) {
  const outcomes: Outcome[] = [];
  const exchange = new Exchange(response as unknown as ServerResponse, (outcome) => outcomes.push(outcome));
  const pieces = Array.from({ length: tokens }, () => 'x');
  const delaysMs = new Float64Array(tokens);
  const plan = { id: 'id', createdSeconds: 1, model: 'm', promptTokens: 1, cachedTokens: 0, delaysMs };
  const choices = [{ pieces, finishReason: 'length' as const }];
  const frames = new FrameWriter({ ...plan, choices }, 'id', { operation: 'chat', includeUsage: false, continuousUsage: false });
  const pacer = new Pacer();
  const progress = new Progress(delaysMs, performance.now(), () => 1);
  return { answer: new StreamAnswer(exchange, frames, progress, pacer, NO_FAULT), outcomes, pacer };
}

describe('StreamAnswer', () => {
  it('stops after one turn while its client does not read, and goes on when it does', () => {
    const response = new LazyResponse();
    const { answer, outcomes, pacer } = answerOf(600, response);
    answer.start(performance.now());
    expect([response.written, response.listenerCount('drain')]).toEqual([256, 1]);
    response.emit('drain');
    expect([response.written, outcomes]).toEqual([512, []]);
    response.isFull = false;
    response.emit('drain');
    expect([response.written, outcomes]).toEqual([602, ['finished']]);
    pacer.close();
  });

  it('writes nothing more once its client has gone', () => {
    const response = new LazyResponse();
    const { answer, outcomes, pacer } = answerOf(600, response);
    answer.start(performance.now());
    response.emit('close');
    response.emit('drain');
    expect([response.written, outcomes]).toEqual([256, ['aborted']]);
    pacer.close();
  });
});
