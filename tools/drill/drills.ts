import { Load } from './load.js';
import { getJson, setFault, type OwnSystem, type System } from './system.js';

export type DrillName = 'queue' | 'ttft' | 'errors' | 'gpu' | 'blind';

/** One condition, and what is expected of it. */
export interface Drill {
  readonly about: string;
  /** The alert of the aggregator. */
  readonly builtIn: string;
  /** Alerts of deploy/prometheus/rules. */
  readonly shipped: readonly string[];
  readonly needsOwnSystem: boolean;
  /** What is done, in words. */
  readonly causes: string;
  readonly cures: string;
  /** Makes the condition hold until `signal`. Resolves once nothing of it goes on. */
  readonly cause: (stage: Stage, signal: AbortSignal) => Promise<void>;
  /** Takes it away, and helps the alerts to clear until `signal`. */
  readonly cure: (stage: Stage, signal: AbortSignal) => Promise<void>;
}

export interface Stage {
  readonly system: System;
  readonly load: Load;
}

/** More than five, the limit of the alerts. */
const WAITING = 8;
const MAX_PLACES = 400;
/** Above the limit of 3 s, also where the model server varies its delays, and below the histogram's next edge, 5 s. */
const SLOW_MS = 4_000;
const FULL_PERCENT = 98;
const RELAXED_PERCENT = 60;

/** Enough good requests for what went wrong before to become a small share. */
async function goodRequests({ system, load }: Stage, signal: AbortSignal): Promise<void> {
  await setFault(system);
  await load.flow(signal, { atATime: 3 });
}

export const DRILLS: Readonly<Record<DrillName, Drill>> = {
  queue: {
    about: 'more than 5 requests wait, because the model server answers none',
    builtIn: 'queue_too_long',
    shipped: ['VLLMHighQueueLength', 'InferometerQueueLong'],
    needsOwnSystem: false,
    causes: `the model server goes silent, and ${WAITING} more requests are sent than have a place`,
    cures: 'the clients leave',
    cause: fillQueue,
    cure: ({ system }) => setFault(system),
  },
  ttft: {
    about: 'first tokens take more than 3 s',
    builtIn: 'ttft_high',
    shipped: ['VLLMHighTTFT', 'InferometerTtftHigh'],
    needsOwnSystem: false,
    causes: `first tokens take ${SLOW_MS / 1000} s`,
    cures: 'first tokens are as fast as before, and many',
    cause: async ({ system, load }, signal) => {
      await setFault(system, { fault: 'slow', factor: Math.max(1, SLOW_MS / system.ttftMs) });
      await load.flow(signal, { atATime: 6, perSecond: 2 });
    },
    cure: goodRequests,
  },
  errors: {
    about: 'more than one request in ten fails',
    builtIn: 'error_rate_high',
    shipped: ['VLLMHighErrorRate', 'InferometerErrorRateHigh'],
    needsOwnSystem: false,
    causes: 'the model server answers 500',
    cures: 'it answers again, and many requests come',
    cause: async ({ system, load }, signal) => {
      await setFault(system, { fault: '500' });
      await load.flow(signal, { atATime: 1, perSecond: 6 });
    },
    cure: goodRequests,
  },
  gpu: {
    about: 'GPU memory is nearly full',
    builtIn: 'gpu_memory_high',
    shipped: ['InferometerGpuMemoryHigh'],
    needsOwnSystem: true,
    causes: `the simulated GPU is filled to ${FULL_PERCENT} %`,
    cures: `it is emptied to ${RELAXED_PERCENT} %`,
    cause: ({ system }) => (system as OwnSystem).restartProbe(FULL_PERCENT),
    cure: ({ system }) => (system as OwnSystem).restartProbe(RELAXED_PERCENT),
  },
  blind: {
    about: 'no gateway sends telemetry',
    builtIn: 'pipeline_blind',
    shipped: ['InferometerPipelineBlind', 'InferometerGatewayDown'],
    needsOwnSystem: true,
    causes: 'the gateway is killed',
    cures: 'it is started again',
    cause: ({ system }) => (system as OwnSystem).killGateway(),
    cure: ({ system }) => (system as OwnSystem).startGateway(),
  },
};

async function fillQueue({ system, load }: Stage, signal: AbortSignal): Promise<void> {
  type Health = { limits: { max_concurrent_requests: number; max_queue_size: number } };
  const { limits } = await getJson<Health>(`${system.gatewayUrl}/health`);
  const { max_concurrent_requests: places, max_queue_size: room } = limits;
  if (room <= 5) throw new Error(`only ${room} requests can wait at this gateway: the alert can never fire`);
  if (places > MAX_PLACES) throw new Error(`this gateway has ${places} places; the drill fills at most ${MAX_PLACES}`);
  await setFault(system, { fault: 'hang' });
  // Those that wait too long are sent away; others take their turn.
  await load.flow(signal, { atATime: places + Math.min(room, WAITING) });
}
