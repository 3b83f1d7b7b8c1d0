import type { GpuReading } from '#libs/contracts';
import type { LabelValues, Metric, MetricSet, Told, ValuePoint } from './metric.js';

const ID = ['hw.id', 'hw.name', 'host.name'] as const;
const FULL = [...ID, 'hw.vendor', 'hw.model', 'hw.driver_version'] as const;
const TYPED = [...ID, 'hw.type'] as const;

function idOf({ uuid, host, index }: GpuReading): LabelValues {
  return [uuid, `${host} GPU ${index}`, host];
}

function fullOf(gpu: GpuReading): LabelValues {
  return [...idOf(gpu), gpu.vendor, gpu.name, gpu.driver_version];
}

function ofGpus(labels: (gpu: GpuReading) => LabelValues, value: (gpu: GpuReading) => number | undefined) {
  return ({ metrics }: Told): readonly ValuePoint[] => metrics.gpus.map(({ reading }) => [labels(reading), value(reading)]);
}

function memory(name: string, help: string, value: (gpu: GpuReading) => number): Metric {
  return { name, type: 'updowncounter', unit: 'By', labels: FULL, help, read: ofGpus(fullOf, value) };
}

function ofComponent(
  type: 'counter' | 'gauge',
  name: string,
  unit: string,
  help: string,
  value: (gpu: GpuReading) => number | undefined,
): Metric {
  return { name, type, unit, labels: TYPED, help, read: ofGpus((gpu) => [...idOf(gpu), 'gpu'], value) };
}

/** OpenTelemetry's semantic conventions for hardware. `host.name` is among the labels: the GPUs are on many hosts, and this is told of from one place. */
export const HARDWARE_METRICS: MetricSet = {
  title: 'OpenTelemetry: GPUs (`hw_…`)',
  source: 'OpenTelemetry semantic conventions v1.44.0, `model/hardware`',
  isDotted: true,
  metrics: [
    memory('hw.gpu.memory.usage', 'GPU memory in use, in bytes.', (gpu) => gpu.memory_used_bytes),
    memory('hw.gpu.memory.limit', 'GPU memory, in bytes.', (gpu) => gpu.memory_total_bytes),
    {
      name: 'hw.gpu.memory.utilization',
      type: 'gauge',
      unit: '1',
      labels: FULL,
      help: 'Fraction of GPU memory in use.',
      formula: 'used / total',
      read: ofGpus(fullOf, ({ memory_used_bytes: used, memory_total_bytes: total }) => (total > 0 ? used / total : undefined)),
    },
    {
      name: 'hw.gpu.utilization',
      type: 'gauge',
      unit: '1',
      labels: FULL,
      help: 'Fraction of time in which the GPU computed.',
      read: ofGpus(fullOf, ({ compute_utilization_percent: percent }) => (percent === undefined ? undefined : percent / 100)),
    },
    {
      name: 'hw.temperature',
      type: 'gauge',
      unit: 'Cel',
      labels: ID,
      help: 'Temperature of the GPU in degrees Celsius.',
      read: ofGpus(idOf, (gpu) => gpu.temperature_celsius),
    },
    ofComponent('gauge', 'hw.power', 'W', 'Power that the GPU draws, in watts.', (gpu) => gpu.power_watts),
    ofComponent(
      'counter',
      'hw.energy',
      'J',
      'Energy that the GPU has used since its driver was loaded, in joules.',
      (gpu) => gpu.energy_joules,
    ),
  ],
};
