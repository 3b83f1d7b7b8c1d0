import type { MetricSet } from './metric.js';
import { FLEET_METRICS } from './fleet.js';
import { GEN_AI_METRICS } from './gen-ai.js';
import { HARDWARE_METRICS } from './hardware.js';
import { SEED_METRICS } from './seed.js';
import { VLLM_METRICS } from './vllm.js';

/** Every convention, in the order in which it is written. */
export const METRIC_SETS: readonly MetricSet[] = [SEED_METRICS, VLLM_METRICS, GEN_AI_METRICS, HARDWARE_METRICS, FLEET_METRICS];
