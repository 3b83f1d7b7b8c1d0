import type { GatewayHeartbeat } from '#libs/contracts';
import type { Outbox } from '#libs/event-log';
import { VERSION } from '#libs/runtime';
import type { Admission } from '../core/admission.js';
import type { Counters } from '../core/counters.js';
import type { GatewaySettings } from '../settings.js';

/** What this gateway tells of itself: in its heartbeats and on `/stats`. */
export class GatewayStats {
  private readonly startedAtMs = performance.now();

  constructor(
    private readonly settings: GatewaySettings,
    private readonly admission: Admission<unknown>,
    private readonly counters: Counters,
    private readonly outbox: Outbox,
  ) {}

  get apiToken(): string | undefined {
    return this.settings.apiToken;
  }

  /** To be called for each heartbeat, and for nothing else: `peak_running` is the greatest since the last call. */
  heartbeat(): GatewayHeartbeat {
    const { waiting, running, limits } = this.admission;
    return {
      waiting,
      running,
      peak_running: this.admission.takeRecentPeak(),
      max_concurrent: limits.maxConcurrent,
      max_queue: limits.maxQueue,
      received_total: this.counters.received,
      spooled: this.outbox.queued + this.outbox.spooled,
      dropped: this.outbox.dropped,
      version: VERSION,
    };
  }

  document(): object {
    const { waiting, running, peakRunning, limits } = this.admission;
    const { received, successful, failed, cancelled, inputTokens, outputTokens } = this.counters;
    return {
      gateway: this.settings.gatewayId,
      version: VERSION,
      uptime_seconds: Math.round(performance.now() - this.startedAtMs) / 1000,
      requests: { received, waiting, running, peak_running: peakRunning, successful, failed, cancelled },
      tokens: { input: inputTokens, output: outputTokens },
      limits: { max_concurrent_requests: limits.maxConcurrent, max_queue_size: limits.maxQueue },
      event_log: this.eventLog(),
    };
  }

  /** `spooled` are the events that are not in the log yet, on disk or in memory. */
  eventLog(): object {
    const { connected, queued, spooled, spoolBytes, dropped, droppedByType } = this.outbox;
    return { connected, spooled: queued + spooled, spool_bytes: spoolBytes, dropped, dropped_by_type: droppedByType };
  }
}
