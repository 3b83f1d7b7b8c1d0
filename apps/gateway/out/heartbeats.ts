import type { GatewayHeartbeat } from '#libs/contracts';
import type { Outbox } from '#libs/event-log';

const INTERVAL_MS = 1_000;

/** Sends this gateway's gauges to every partition: at once, every second, and once more when it stops. */
export class Heartbeats {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly outbox: Outbox,
    private readonly gatewayId: string,
    private readonly read: () => GatewayHeartbeat,
  ) {}

  start(): void {
    this.beat();
    this.timer = setInterval(() => this.beat(), INTERVAL_MS);
  }

  stop(): void {
    clearInterval(this.timer);
    this.beat();
  }

  private beat(): void {
    this.outbox.offerToEvery('io.inferometer.gateway.heartbeat.v1', this.gatewayId, this.read());
  }
}
