import type { GenerationRequest } from './generation-request.js';
import type { Plan, PlannedChoice } from './plan.js';
import { usageOfStream, usageSoFar } from './usage.js';

/** What stands in `system_fingerprint`. */
export const SYSTEM_FINGERPRINT = 'inferometer-model-server';

export const DONE_FRAME = 'data: [DONE]\n\n';

export type StreamOptions = Pick<GenerationRequest, 'operation' | 'includeUsage' | 'continuousUsage'>;

/**
 * Writes the Server-Sent Events of one streamed answer, with the keys of vLLM's chunks in vLLM's order.
 * One frame is one event with its blank line; each step has the frames of one token of every unfinished choice.
 */
export class FrameWriter {
  private readonly head: string;
  private readonly lastChoice: PlannedChoice;

  constructor(
    private readonly plan: Plan,
    id: string,
    private readonly options: StreamOptions,
  ) {
    const object = options.operation === 'chat' ? 'chat.completion.chunk' : 'text_completion';
    const fields = { id, object, created: plan.createdSeconds, model: plan.model };
    this.head = `data: ${JSON.stringify(fields).slice(0, -1)},"choices":[`;
    this.lastChoice = plan.choices.findLast(({ pieces }) => pieces.length === plan.delaysMs.length)!;
  }

  /** The frames of one step; the first step opens every choice, the last one ends the stream. */
  framesOf(step: number): string[] {
    const frames = step === 0 ? this.plan.choices.map((_choice, index) => this.openingFrame(index)) : [];
    for (const [index, choice] of this.plan.choices.entries()) {
      if (step < choice.pieces.length) frames.push(this.tokenFrame(index, choice, step));
    }
    if (step < this.plan.delaysMs.length - 1) return frames;
    if (this.options.includeUsage) frames.push(this.usageFrame());
    frames.push(DONE_FRAME);
    return frames;
  }

  private openingFrame(index: number): string {
    if (this.options.operation === 'chat') {
      const choice = `{"index":${index},"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}`;
      return `${this.head}${choice}]${this.usage(0)},"prompt_token_ids":null,"prompt_text":null}\n\n`;
    }
    return `${this.head}${completionChoice(index, '', 'null')}]${this.usage(0)}}\n\n`;
  }

  private tokenFrame(index: number, choice: PlannedChoice, step: number): string {
    const isLast = step === choice.pieces.length - 1;
    const reason = isLast ? `"${choice.finishReason}"` : 'null';
    const piece = choice.pieces[step]!;
    const body = this.options.operation === 'chat' ? chatChoice(index, piece, reason, isLast) : completionChoice(index, piece, reason);
    const endsStream = isLast && choice === this.lastChoice && !this.options.includeUsage;
    return `${this.head}${body}]${this.usage(step + 1)}${endsStream ? this.fingerprint() : ''}}\n\n`;
  }

  private usageFrame(): string {
    const usage = JSON.stringify(usageOfStream(this.options.operation, this.plan));
    return `${this.head}],"usage":${usage}${this.fingerprint()}}\n\n`;
  }

  private usage(outputTokens: number): string {
    if (!this.options.continuousUsage) return '';
    return `,"usage":${JSON.stringify(usageSoFar(this.options.operation, this.plan, outputTokens))}`;
  }

  private fingerprint(): string {
    return `,"system_fingerprint":"${SYSTEM_FINGERPRINT}"`;
  }
}

function chatChoice(index: number, piece: string, reason: string, isLast: boolean): string {
  const end = `"finish_reason":${reason}${isLast ? ',"stop_reason":null' : ''},"token_ids":null`;
  return `{"index":${index},"delta":{"content":${JSON.stringify(piece)}},"logprobs":null,${end}}`;
}

function completionChoice(index: number, piece: string, reason: string): string {
  const end = `"finish_reason":${reason},"stop_reason":null,"prompt_token_ids":null,"token_ids":null`;
  return `{"index":${index},"text":${JSON.stringify(piece)},"logprobs":null,${end}}`;
}
