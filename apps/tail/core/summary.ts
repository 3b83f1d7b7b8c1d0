import type { EventData, GatewayHeartbeat, GpuReading, InferometerEvent } from '#libs/contracts';
import { plainName } from './event-types.js';

/** What a line for people is made of. Texts are as they came: see `printable`. */
export interface Summary {
  /** In UTC, by the producer's clock. */
  readonly time: string;
  readonly type: string;
  /** The request, the GPU or the producer. */
  readonly subject: string;
  readonly model: string;
  readonly tenant: string;
  readonly details: string;
}

type Outcome = Partial<EventData<'io.inferometer.request.completed.v1'>>;

const NONE = '-';
const GIB = 1024 ** 3;

/** One event in short. */
export function summaryOf(event: InferometerEvent): Summary {
  const { model, tenant } = event.data as { model?: string; tenant?: string };
  return {
    time: event.time.slice('2026-01-01T'.length, -1),
    type: plainName(event.type).replace(/^request\./, ''),
    subject: event.type === 'io.inferometer.gpu.read.v1' ? `${event.data.host}/${event.data.index}` : event.subject,
    model: (event.type === 'io.inferometer.gpu.read.v1' ? event.data.name : model) || NONE,
    tenant: tenant ?? NONE,
    details: detailsOf(event)
      .filter((part) => part !== undefined)
      .join(' '),
  };
}

/** Text that a terminal shows and never obeys: what controls it, or turns and hides the text around it, becomes `�`. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, '\ufffd');
}

function detailsOf(event: InferometerEvent): readonly (string | undefined)[] {
  switch (event.type) {
    case 'io.inferometer.request.received.v1':
      return [event.data.operation, event.data.stream ? 'streamed' : undefined, named('max_tokens', event.data.max_tokens)];
    case 'io.inferometer.request.started.v1':
      return [named('queue', event.data.queue_ms, 'ms'), named('upstream', event.data.upstream)];
    case 'io.inferometer.request.first_token.v1':
      return [named('ttft', event.data.ttft_ms, 'ms')];
    case 'io.inferometer.request.completed.v1':
      return [event.data.finish_reason, ...outcome(event.data)];
    case 'io.inferometer.request.failed.v1':
      return [event.data.error_type, ...outcome(event.data)];
    case 'io.inferometer.request.cancelled.v1':
      return [event.data.phase, ...outcome(event.data)];
    case 'io.inferometer.gateway.heartbeat.v1':
      return gauges(event.data);
    case 'io.inferometer.gpu.read.v1':
      return reading(event.data);
    case 'io.inferometer.aggregator.heartbeat.v1':
      return [named('version', event.data.version)];
    // Alert transitions are in no topic that is tailed.
    default:
      return [];
  }
}

function outcome({ status_code: status, duration_ms: durationMs, ttft_ms: ttftMs, ...data }: Outcome): (string | undefined)[] {
  const tokens = [data.input_tokens, data.output_tokens].map((count) => count ?? '?').join('+');
  return [
    named('status', status),
    named('duration', durationMs, 'ms'),
    named('ttft', ttftMs, 'ms'),
    data.usage_source === 'unknown' ? undefined : named('tokens', tokens),
  ];
}

function gauges({ waiting, running, received_total: received, spooled, dropped }: GatewayHeartbeat): (string | undefined)[] {
  const kept = [named('waiting', waiting), named('running', running), named('received', received)];
  return [...kept, spooled > 0 ? named('spooled', spooled) : undefined, dropped > 0 ? named('dropped', dropped) : undefined];
}

function reading(data: GpuReading): (string | undefined)[] {
  const [used, total] = [data.memory_used_bytes, data.memory_total_bytes].map((bytes) => (bytes / GIB).toFixed(1));
  return [
    named('memory', `${used}/${total}GiB`),
    named('compute', data.compute_utilization_percent, '%'),
    named('temperature', data.temperature_celsius, '°C'),
    named('power', data.power_watts, 'W'),
  ];
}

function named(name: string, value: string | number | undefined, unit = ''): string | undefined {
  if (value === undefined) return undefined;
  return `${name}=${typeof value === 'number' ? Math.round(value) : value}${unit}`;
}
