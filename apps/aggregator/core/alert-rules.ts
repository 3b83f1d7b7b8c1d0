import type { AlertLevel } from '#libs/contracts';

export const ALERT_NAMES = ['queue_too_long', 'ttft_high', 'error_rate_high', 'gpu_memory_high', 'pipeline_blind'] as const;
export type AlertName = (typeof ALERT_NAMES)[number];

/** What the built-in rules look at, not rounded. Undefined: there is none, as a TTFT without requests or memory without a GPU. */
export interface AlertInputs {
  readonly waiting: number;
  readonly ttftP95Seconds: number | undefined;
  readonly errorRatePercent: number;
  readonly gpuMemoryPercent: number | undefined;
  /** How old the newest GPU reading is. */
  readonly gpuAgeSeconds: number;
  /** How long no gateway was heard of. */
  readonly gatewaySilenceSeconds: number;
  readonly lagSeconds: number;
  /** True if the view is too old to be believed. */
  readonly isViewStale: boolean;
}

export interface AlertRule {
  readonly name: AlertName;
  readonly level: AlertLevel;
  readonly metric: string;
  readonly threshold: number;
  /** How long the condition must hold before the alert fires, in ms. */
  readonly forMs: number;
  readonly value: (inputs: AlertInputs) => number | undefined;
  /** True if what `value` looks at is too old: the alert may then neither fire nor look green. */
  readonly isStale: (inputs: AlertInputs) => boolean;
}

const LAG_LIMIT_SECONDS = 30;
const SILENCE_LIMIT_SECONDS = 15;

/** The built-in rules with the seed's thresholds; each is violated by a value above its threshold. */
export const ALERT_RULES: readonly AlertRule[] = [
  {
    name: 'queue_too_long',
    level: 'warning',
    metric: 'num_waiting_requests',
    threshold: 5,
    forMs: 0,
    value: ({ waiting }) => waiting,
    isStale: isBlind,
  },
  {
    name: 'ttft_high',
    level: 'warning',
    metric: 'ttft_p95',
    threshold: 3,
    forMs: 0,
    value: ({ ttftP95Seconds }) => ttftP95Seconds,
    isStale: isBlind,
  },
  {
    name: 'error_rate_high',
    level: 'critical',
    metric: 'error_rate_percent',
    threshold: 10,
    forMs: 0,
    value: (inputs) => inputs.errorRatePercent,
    isStale: isBlind,
  },
  {
    name: 'gpu_memory_high',
    level: 'warning',
    metric: 'gpu_utilization_percent',
    threshold: 90,
    forMs: 0,
    value: ({ gpuMemoryPercent }) => gpuMemoryPercent,
    isStale: ({ isViewStale, gpuAgeSeconds }) => isViewStale || gpuAgeSeconds > SILENCE_LIMIT_SECONDS,
  },
  {
    name: 'pipeline_blind',
    level: 'critical',
    metric: 'seconds_without_telemetry',
    threshold: SILENCE_LIMIT_SECONDS,
    forMs: 0,
    value: blindSeconds,
    // Old data is what it is about.
    isStale: () => false,
  },
];

function isBlind(inputs: AlertInputs): boolean {
  return inputs.isViewStale || blindSeconds(inputs) > SILENCE_LIMIT_SECONDS;
}

function blindSeconds({ gatewaySilenceSeconds, lagSeconds }: AlertInputs): number {
  return Math.max(gatewaySilenceSeconds, lagSeconds > LAG_LIMIT_SECONDS ? lagSeconds : 0);
}
