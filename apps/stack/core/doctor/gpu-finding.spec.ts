import { describe, expect, it } from 'vitest';
import { lines } from './finding.fixture.js';
import { gpuFinding } from './gpu-finding.js';

describe('the GPU', () => {
  const gpus = [
    { name: 'H100', memory_total_bytes: 80 * 2 ** 30 },
    { name: 'H100', memory_total_bytes: 80 * 2 ** 30 },
  ];

  it.each([
    [{ source: 'auto', gpus, problem: undefined }, 'ok 2 GPUs by nvidia-smi: H100, 80 GiB'],
    [{ source: 'simulated', gpus: gpus.slice(1), problem: undefined }, 'ok 1 GPU made up, for GPU_SOURCE=simulated: H100, 80 GiB'],
    [{ source: 'none', gpus: undefined, problem: undefined }, 'ok GPU_SOURCE=none: no GPU is read'],
    [
      { source: 'auto', gpus: undefined, problem: 'not installed' },
      expect.stringMatching(/^warn no GPU found: not installed → .*GPU_SOURCE=simulated/),
    ],
    [{ source: 'auto', gpus: [], problem: undefined }, expect.stringMatching(/^warn no GPU found: nvidia-smi sees none/)],
    [
      { source: 'nvidia-smi', gpus: undefined, problem: 'not installed' },
      expect.stringMatching(/^fail GPU_SOURCE=nvidia-smi, but not installed → /),
    ],
  ] as [Parameters<typeof gpuFinding>[0], string][])('%j', (facts, line) => {
    expect(lines([gpuFinding(facts)])).toEqual([line]);
  });
});
