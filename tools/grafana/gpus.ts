import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { dashboardOf } from './dashboard.js';
import { graph, number } from './panels.js';
import { anyOf } from './variables.js';

const CHOSEN = 'host=~"$host",gpu=~"$gpu"';
const GIB = 1024 ** 3;
const LEGEND = '{{host}} {{gpu}}';

/** The GPUs of all hosts with a probe. */
export function gpus(): Dashboard {
  return dashboardOf({
    name: 'gpus',
    title: 'Inferometer: GPUs',
    about: 'Memory, load, temperature and power of every GPU, as the probes read them.',
    variables: [anyOf('host', 'host', 'vllm_gpu_total_gb'), anyOf('gpu', 'gpu', 'vllm_gpu_total_gb{host=~"$host"}')],
    rows: [
      { title: 'Now', panels: now() },
      { title: 'Memory', panels: memory() },
      { title: 'Load', panels: load() },
    ],
  });
}

/** One series for each GPU, whichever replicas are scraped. */
const each = (name: string): string => `max by (host, gpu) (${name}{${CHOSEN}})`;

/** One series for each GPU, by the name that the conventions for hardware give it. */
const hardware = (name: string): string => `max by (hw_name) (${name}{host_name=~"$host",hw_name=~".* GPU $gpu"})`;

function now() {
  const bytes = (name: string): string => `sum(${each(name)}) * ${GIB}`;
  return [
    number({
      title: 'GPUs',
      about: 'GPUs that were read lately.',
      unit: 'short',
      width: 4,
      queries: [{ expr: `count(${each('vllm_gpu_total_gb')})` }],
    }),
    number({ title: 'Memory', about: 'Of all chosen GPUs.', unit: 'bytes', width: 4, queries: [{ expr: bytes('vllm_gpu_total_gb') }] }),
    number({ title: 'In use', about: 'Of all chosen GPUs.', unit: 'bytes', width: 4, queries: [{ expr: bytes('vllm_gpu_allocated_gb') }] }),
    number({ title: 'Free', about: 'Of all chosen GPUs.', unit: 'bytes', width: 4, queries: [{ expr: bytes('vllm_gpu_free_gb') }] }),
    number({
      title: 'Fullest GPU',
      about: 'Memory in use. The built-in alert fires above 90 %.',
      unit: 'percent',
      width: 4,
      queries: [{ expr: `max(vllm_gpu_utilization_percent{${CHOSEN}})` }],
      from: [
        [80, 'orange'],
        [90, 'red'],
      ],
    }),
    number({
      title: 'Age of the readings',
      about: 'Of the oldest of the latest readings.',
      unit: 's',
      width: 4,
      queries: [{ expr: 'max(inferometer_gpu_reading_age_seconds)' }],
      from: [
        [10, 'orange'],
        [60, 'red'],
      ],
    }),
  ];
}

function memory() {
  return [
    graph({
      title: 'Memory in use',
      about: 'Of each GPU.',
      unit: 'bytes',
      width: 12,
      min: 0,
      queries: [{ expr: `${each('vllm_gpu_allocated_gb')} * ${GIB}`, legend: LEGEND }],
    }),
    graph({
      title: 'Memory in use, share',
      about: 'Of each GPU. The built-in alert fires above 90 %.',
      unit: 'percent',
      width: 12,
      min: 0,
      max: 100,
      queries: [{ expr: each('vllm_gpu_utilization_percent'), legend: LEGEND }],
      from: [[90, 'red']],
    }),
  ];
}

function load() {
  return [
    graph({
      title: 'Compute',
      about: 'Share of the time in which the GPU was at work.',
      unit: 'percentunit',
      width: 8,
      min: 0,
      max: 1,
      queries: [{ expr: hardware('hw_gpu_utilization_ratio'), legend: '{{hw_name}}' }],
    }),
    graph({
      title: 'Temperature',
      about: 'Where the driver tells it.',
      unit: 'celsius',
      width: 8,
      queries: [{ expr: hardware('hw_temperature_celsius'), legend: '{{hw_name}}' }],
    }),
    graph({
      title: 'Power',
      about: 'Where the driver tells it.',
      unit: 'watt',
      width: 8,
      min: 0,
      queries: [{ expr: hardware('hw_power_watts'), legend: '{{hw_name}}' }],
    }),
  ];
}
