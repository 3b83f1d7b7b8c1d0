import type { InferometerEvent } from '#libs/contracts';
import type { ScriptedUpstream } from './scripted-upstream.fixture.js';
import { chatBody, TestGateway, until } from './test-gateway.fixture.js';
import { Wire } from './wire.fixture.js';

export const TOKEN = 'T0ken';

/** What came of a visit, as far as it is the same each time. */
export interface Outcome {
  readonly received: string;
  readonly isClosed: boolean;
  readonly events: readonly unknown[];
}

/** One client and the gateway before it, to which nobody else comes. */
export class Visit extends Wire {
  private constructor(
    readonly gateway: TestGateway,
    private readonly upstream: ScriptedUpstream,
    private readonly way: string,
  ) {
    super(gateway.url);
  }

  static async start(upstream: ScriptedUpstream, way: string, env: Record<string, string>): Promise<Visit> {
    const gateway = await TestGateway.start(upstream.url, { API_TOKEN: TOKEN, ...env });
    return new Visit(gateway, upstream, way);
  }

  /** Sends a request of this id. */
  post(id: string, body = chatBody(), fields = ''): void {
    const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx-request-id: ${id}\r\n${this.way}${fields}`;
    this.send(`${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  }

  async upstreamHas(count: number): Promise<void> {
    await until(
      () => this.upstream.inside === count,
      () => `${count} requests at the upstream; got ${this.upstream.inside}`,
    );
  }

  /** What the client got and what was told, without what is different each time. Rejects if so many requests do not end. */
  async end(requests: number): Promise<Outcome> {
    await this.gateway.terminals(requests);
    await this.upstreamHas(0);
    // Only a request's own events have an order.
    const events = this.gateway.events.toSorted((a, b) => a.subject.localeCompare(b.subject)).flatMap(storyOf);
    const outcome = { received: steady(this.received), isClosed: this.isClosed, events };
    await this.leave();
    return outcome;
  }

  private async leave(): Promise<void> {
    this.hangUp();
    await this.gateway.drain();
    await this.gateway.close();
  }
}

function steady(text: string): string {
  return text.replaceAll(/^date: .*$/gim, 'date').replaceAll(/queue;dur=[\d.]+/g, 'queue');
}

function storyOf({ type, subject, data }: InferometerEvent): unknown[] {
  if (!type.includes('.request.')) return [];
  const timeless = Object.entries(data).filter(([name]) => !/_ms$|^upstream$|^gaps$/.test(name));
  return [[type, subject, Object.fromEntries(timeless)]];
}
