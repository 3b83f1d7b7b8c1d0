import type { GenerationRequest } from './generation-request.js';
import { digestOf, hexOf, Random, type Digest } from './random.js';
import { VOCABULARY } from './vocabulary.js';

/** How fast the simulated engine is. */
export interface Pace {
  readonly ttftMs: number;
  readonly tokensPerSecond: number;
  /** 0 to 1: each delay is drawn evenly from its mean ± this share. */
  readonly jitter: number;
}

export interface PlannedChoice {
  /** The text of each token. The end-of-text token of a choice that stops is an empty one, and counts as vLLM's does. */
  readonly pieces: readonly string[];
  readonly finishReason: 'stop' | 'length';
}

/** Everything that a request will be answered with, decided before the first token. */
export interface Plan {
  /** 16 hexadecimal digits: the completion's id where the client gives none. */
  readonly id: string;
  /** Unix seconds, drawn from the body too, so that the same request gets the same bytes. */
  readonly createdSeconds: number;
  readonly model: string;
  readonly promptTokens: number;
  /** Of these, how many came from the prefix cache: whole blocks of 16. */
  readonly cachedTokens: number;
  readonly choices: readonly PlannedChoice[];
  /** `delaysMs[step]`: from the request's start, or the step before, to the moment when every unfinished choice has its next token. */
  readonly delaysMs: Float64Array;
}

const FIRST_CREATED_SECONDS = 1_767_225_600;
const YEAR_SECONDS = 31_536_000;
const CACHE_BLOCK = 16;
/** Answers end by themselves after this many tokens, spread evenly over the logarithm: the median is 64. */
const SHORTEST = 16;
const LONGEST = 256;

/** The answer to `request`: the same for the same body, seed and pace. */
export function planOf(request: GenerationRequest, seed: number, pace: Pace): Plan {
  const digest = digestOf(request.fingerprint, seed);
  const random = new Random(digest.low);
  const promptTokens = request.promptTokens.reduce((sum, tokens) => sum + tokens, 0);
  const choices = request.promptTokens.flatMap(() => Array.from({ length: request.n }, () => choiceOf(request, random)));
  const steps = Math.max(...choices.map(({ pieces }) => pieces.length));
  return {
    id: hexOf(digest),
    createdSeconds: createdSecondsOf(digest),
    model: request.model,
    promptTokens,
    cachedTokens: CACHE_BLOCK * random.below(Math.floor(promptTokens / CACHE_BLOCK) + 1),
    choices,
    delaysMs: delaysOf(steps, pace, new Random(digest.high)),
  };
}

/** A time of creation (Unix seconds, in 2026) that depends on the request alone. */
export function createdSecondsOf({ high }: Digest): number {
  return FIRST_CREATED_SECONDS + (high % YEAR_SECONDS);
}

/** The delays of `steps` tokens: the first takes about `ttftMs`, each further one about a token's time. */
export function delaysOf(steps: number, { ttftMs, tokensPerSecond, jitter }: Pace, random: Random): Float64Array {
  const delays = new Float64Array(steps);
  for (let step = 0; step < steps; step += 1) {
    const mean = step === 0 ? ttftMs : 1000 / tokensPerSecond;
    delays[step] = mean * (1 + jitter * (2 * random.next() - 1));
  }
  return delays;
}

/** By how much everything slows down while `running` requests share an engine made for `capacity`; 0 is an engine without limit. */
export function slowdownOf(running: number, capacity: number): number {
  return capacity === 0 ? 1 : Math.max(1, running / capacity);
}

/** Tokens of all choices together, as `usage` counts them. */
export function outputTokensOf({ choices }: Plan): number {
  return choices.reduce((sum, { pieces }) => sum + pieces.length, 0);
}

function choiceOf(request: GenerationRequest, random: Random): PlannedChoice {
  const natural = Math.round(SHORTEST * (LONGEST / SHORTEST) ** random.next());
  const stops = !request.ignoreEos && Math.max(natural, request.minTokens) < request.maxTokens;
  const length = stops ? Math.max(natural, request.minTokens) : request.maxTokens;
  const pieces = Array.from({ length }, () => VOCABULARY[random.below(VOCABULARY.length)]!);
  if (stops) pieces[length - 1] = '';
  pieces[0] = pieces[0]!.trimStart() || 'Well';
  return { pieces, finishReason: stops ? 'stop' : 'length' };
}
