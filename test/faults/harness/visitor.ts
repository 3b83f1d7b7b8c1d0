import { Agent, request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import type { FaultyUpstream } from './faulty-upstream.js';
import { OUTCOMES, type Manner } from './manners.js';
import type { Random } from './plan.js';

/** What a client does, beside sending a request and reading its answer. */
export type Habit = 'stays' | 'leaves_soon' | 'leaves_at_first_bytes' | 'leaves_in_its_body' | 'stops_reading';

/** One request as its client saw it; times by `performance.now()`. */
export interface Visit {
  readonly id: string;
  readonly manner: Manner;
  readonly habit: Habit;
  readonly sentAtMs: number;
  endedAtMs: number;
  leftAtMs: number | undefined;
  status: number | undefined;
  whole: boolean;
  sawToken: boolean;
}

const LONGEST_STAY_MS = 60;
const DEADLINE_MS = 60_000;

/** Sends requests of all manners and habits to a gateway, some of them over connections that are used again. */
export class Visitors {
  private readonly agent = new Agent({ keepAlive: true });
  private readonly url: string;
  private readonly upstream: FaultyUpstream;
  private readonly random: Random;

  constructor(gatewayUrl: string, upstream: FaultyUpstream, random: Random) {
    this.url = gatewayUrl;
    this.upstream = upstream;
    this.random = random;
  }

  close(): void {
    this.agent.destroy();
  }

  /** Resolves when the visit is over, however it ends; rejects only if it does not end at all. */
  async visit(id: string, manner: Manner, habit: Habit): Promise<Visit> {
    const visit: Visit = {
      id,
      manner,
      habit,
      sentAtMs: performance.now(),
      endedAtMs: 0,
      leftAtMs: undefined,
      status: undefined,
      whole: false,
      sawToken: false,
    };
    const body = JSON.stringify({ model: manner, stream: OUTCOMES[manner].stream, manner, messages: [{ role: 'user', content: 'hi' }] });
    const request = httpRequest(`${this.url}/v1/chat/completions`, {
      method: 'POST',
      agent: this.random.chance(0.5) ? this.agent : false,
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), 'x-request-id': id },
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    request.on('error', () => {});
    request.once('response', (response) => this.read(response, request, visit));
    this.begin(request, body, visit);
    await new Promise((resolve) => request.once('close', resolve));
    visit.endedAtMs = performance.now();
    if (visit.endedAtMs - visit.sentAtMs >= DEADLINE_MS) throw new Error(`${id}: ${manner}, ${habit} got no end`);
    return visit;
  }

  private begin(request: ClientRequest, body: string, visit: Visit): void {
    if (visit.habit === 'leaves_in_its_body') {
      request.write(body.slice(0, this.random.integer(1, body.length - 1)), () => this.leave(request, visit));
      return;
    }
    if (visit.habit === 'leaves_soon') request.once('finish', () => this.leave(request, visit));
    request.end(body);
  }

  private read(response: IncomingMessage, request: ClientRequest, visit: Visit): void {
    visit.status = response.statusCode;
    response.on('error', () => {});
    response.once('close', () => (visit.whole = response.complete && visit.leftAtMs === undefined));
    if (visit.habit === 'stops_reading' && visit.status === 200) {
      void this.upstream
        .left(visit.id)
        .catch(() => void (visit.leftAtMs = performance.now())) // It was not dropped.
        .then(() => request.destroy());
      return;
    }
    response.once('data', () => {
      if (visit.habit === 'leaves_at_first_bytes') this.leave(request, visit, 5);
    });
    response.on('data', (part: Buffer) => (visit.sawToken ||= part.includes('"content":"x"')));
  }

  private leave(request: ClientRequest, visit: Visit, longestMs = LONGEST_STAY_MS): void {
    setTimeout(() => {
      if (request.closed) return;
      visit.leftAtMs = performance.now();
      if (this.random.chance(0.3)) request.socket?.resetAndDestroy();
      request.destroy();
    }, this.random.next() * longestMs);
  }
}
