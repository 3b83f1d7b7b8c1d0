import type { GpuReading } from '#libs/contracts';
import { Logger } from '#libs/runtime';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { simulatedReading } from '../core/simulated-gpu.js';
import { GpuReader } from './gpu-reader.js';
import { ReadingLoop } from './reading-loop.js';

const ONE = [simulatedReading('h', 1, 0, 76)];
const NONE: GpuReading[] = [];

/** Answers each read with the next of `answers`, the last one for ever; an Error is a rejection. */
class ScriptedReader extends GpuReader {
  reads = 0;
  open = 0;
  mostOpen = 0;

  constructor(
    private readonly answers: (GpuReading[] | Error)[],
    private readonly takesMs = 0,
  ) {
    super();
  }

  async read(): Promise<readonly GpuReading[]> {
    const answer = this.answers[Math.min(this.reads, this.answers.length - 1)]!;
    this.reads += 1;
    this.open += 1;
    this.mostOpen = Math.max(this.mostOpen, this.open);
    if (this.takesMs > 0) await new Promise((resolve) => setTimeout(resolve, this.takesMs));
    this.open -= 1;
    if (answer instanceof Error) throw answer;
    return answer;
  }
}

function loopOf(reader: GpuReader, isExpected = false) {
  const lines: string[] = [];
  const published: GpuReading[] = [];
  const logger = new Logger('test', 'info', (line) => lines.push(line.slice(25).trim()));
  const publish = (readings: readonly GpuReading[]) => void published.push(...readings);
  const loop = new ReadingLoop(reader, publish, logger, { intervalMs: 1_000, isExpected });
  return { loop, lines, published };
}

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

describe('ReadingLoop', () => {
  it('reads at once and then every interval', async () => {
    const { loop, published, lines } = loopOf(new ScriptedReader([ONE]));
    loop.start();
    await vi.advanceTimersByTimeAsync(0);
    expect(published).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(published).toHaveLength(6);
    expect(loop.state).toMatchObject({ devices: 1 });
    expect(lines).toEqual(['INFO  test reading 1 GPU']);
    await loop.stop();
  });

  it('never has two reads open, however slow they are', async () => {
    const reader = new ScriptedReader([ONE], 2_500);
    const { loop, published } = loopOf(reader);
    loop.start();
    await vi.advanceTimersByTimeAsync(10_100);
    expect([reader.mostOpen, published.length]).toEqual([1, 4]);
    const stopping = loop.stop();
    await vi.advanceTimersByTimeAsync(2_500);
    await stopping;
    expect(published).toHaveLength(4);
  });

  it('says a failure once, looks again every 30 s, and says when it is over', async () => {
    const broken = new Error('the driver is away');
    const reader = new ScriptedReader([ONE, broken, broken, broken, ONE]);
    const { loop, lines, published } = loopOf(reader);
    loop.start();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(reader.reads).toBe(2);
    expect(loop.state).toMatchObject({ devices: 0, problem: 'the driver is away', lastReadingMs: expect.any(Number) as number });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(reader.reads).toBe(4);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(published).toHaveLength(2);
    expect(loop.state.problem).toBeUndefined();
    expect(lines).toEqual([
      'INFO  test reading 1 GPU',
      'WARN  test the driver is away; looked for again every 30 s',
      'INFO  test reading 1 GPU',
    ]);
    await loop.stop();
  });

  it('publishes nothing where there is nothing, and takes that calmly unless a GPU was expected', async () => {
    const calm = loopOf(new ScriptedReader([NONE]));
    const expecting = loopOf(new ScriptedReader([NONE]), true);
    calm.loop.start();
    expecting.loop.start();
    await vi.advanceTimersByTimeAsync(29_000);
    expect([calm.published, calm.lines]).toEqual([[], ['INFO  test no GPU found; looked for again every 30 s']]);
    expect([expecting.published, expecting.lines]).toEqual([[], ['WARN  test no GPU found; looked for again every 30 s']]);
    await calm.loop.stop();
    await expecting.loop.stop();
  });

  it('stops for good', async () => {
    const reader = new ScriptedReader([ONE]);
    const { loop } = loopOf(reader);
    loop.start();
    await vi.advanceTimersByTimeAsync(0);
    await loop.stop();
    await vi.advanceTimersByTimeAsync(100_000);
    expect([reader.reads, vi.getTimerCount()]).toEqual([1, 0]);
  });
});
