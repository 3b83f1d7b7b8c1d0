import type { ServerResponse } from 'node:http';
import { ENGINE_DEAD, RATE_LIMITED } from '../core/api-error.js';
import { answerId, answerOf } from '../core/answers.js';
import { embeddingsOf, type EmbeddingsRequest } from '../core/embeddings.js';
import { FaultBoard, type Fault } from '../core/faults.js';
import { FrameWriter } from '../core/frames.js';
import type { GenerationRequest } from '../core/generation-request.js';
import { delaysOf, planOf, slowdownOf } from '../core/plan.js';
import { Progress } from '../core/progress.js';
import { digestOf, Random } from '../core/random.js';
import { Exchange, type Outcome } from '../out/exchange.js';
import type { Pacer } from '../out/pacer.js';
import { PlainAnswer, sendJson } from '../out/plain-answer.js';
import { StreamAnswer } from '../out/stream-answer.js';
import type { ModelServerSettings } from '../settings.js';

/** Requests since the start. `started` is always the sum of the others. */
export interface EngineStats {
  readonly running: number;
  readonly started: number;
  /** Answered in full. */
  readonly finished: number;
  /** Left by their client. */
  readonly aborted: number;
  /** Ended by a fault on demand. */
  readonly faulted: number;
}

/** The simulated engine: starts answers, knows how many run, and spoils those that a fault strikes. */
export class Engine {
  readonly faults: FaultBoard;
  private readonly running = new Set<Exchange>();
  private readonly ended: Record<Outcome, number> = { finished: 0, aborted: 0, faulted: 0 };

  constructor(
    readonly settings: ModelServerSettings,
    private readonly pacer: Pacer,
  ) {
    this.faults = new FaultBoard(settings.seed);
  }

  stats(): EngineStats {
    const { finished, aborted, faulted } = this.ended;
    const running = this.running.size;
    return { running, started: running + finished + aborted + faulted, finished, aborted, faulted };
  }

  /** Answers a request for text. `requestId` is the client's own, if any. */
  generate(request: GenerationRequest, requestId: string | undefined, fault: Fault, response: ServerResponse): void {
    const exchange = this.open(response);
    if (this.strikesAtOnce(fault, exchange)) return;
    const plan = planOf(request, this.settings.seed, this.settings);
    const id = answerId(request.operation, plan, requestId);
    const withUsage = fault.fault !== 'no_usage';
    const progress = this.progress(plan.delaysMs, fault);
    if (!request.stream) {
      new PlainAnswer(exchange, () => answerOf(request.operation, plan, id, withUsage), progress, this.pacer, fault).start();
      return;
    }
    const { operation, includeUsage, continuousUsage } = request;
    const frames = new FrameWriter(plan, id, {
      operation,
      includeUsage: includeUsage && withUsage,
      continuousUsage: continuousUsage && withUsage,
    });
    new StreamAnswer(exchange, frames, progress, this.pacer, fault).start(performance.now());
  }

  /** Answers a request for embeddings after the time of one first token. */
  embed(request: EmbeddingsRequest, fault: Fault, response: ServerResponse): void {
    const exchange = this.open(response);
    if (this.strikesAtOnce(fault, exchange)) return;
    const random = new Random(digestOf(request.fingerprint, this.settings.seed).high);
    const progress = this.progress(delaysOf(1, this.settings, random), fault);
    const body = () => embeddingsOf(request, this.settings.seed, fault.fault !== 'no_usage');
    new PlainAnswer(exchange, body, progress, this.pacer, fault).start();
  }

  /** Resolves when nothing runs any more, or breaks off what still does after `deadlineMs`; what hangs on demand is not waited for. */
  async drain(deadlineMs: number): Promise<void> {
    const deadline = performance.now() + deadlineMs;
    const goesOn = () => [...this.running].some(({ isHung }) => !isHung) && performance.now() < deadline;
    while (goesOn()) await new Promise((resolve) => setTimeout(resolve, 20));
    for (const exchange of this.running) exchange.destroy();
    this.pacer.close();
  }

  private open(response: ServerResponse): Exchange {
    const exchange = new Exchange(response, (outcome) => {
      this.running.delete(exchange);
      this.ended[outcome] += 1;
    });
    this.running.add(exchange);
    return exchange;
  }

  private progress(delaysMs: Float64Array, { factor }: Fault): Progress {
    return new Progress(delaysMs, performance.now(), () => factor * slowdownOf(this.running.size, this.settings.capacity));
  }

  /** Faults that leave no answer to plan. */
  private strikesAtOnce({ fault, afterChunks }: Fault, exchange: Exchange): boolean {
    if (fault === 'refuse') exchange.reset('');
    else if (fault === '500') sendJson(exchange, ENGINE_DEAD.status, ENGINE_DEAD.body, 'faulted');
    else if (fault === '429') sendJson(exchange, RATE_LIMITED.status, RATE_LIMITED.body, 'faulted', { 'retry-after': '1' });
    else if (fault === 'hang' && afterChunks === undefined) exchange.hang('');
    else return false;
    return true;
  }
}
