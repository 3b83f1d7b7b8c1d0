import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NvidiaSmiReader } from './nvidia-smi-reader.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nvidia-smi-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A reader on a machine whose `nvidia-smi` is this shell script. */
function readerOf(script: string, { mode = 0o755, timeoutMs = 5_000 } = {}): NvidiaSmiReader {
  writeFileSync(join(folder, 'nvidia-smi'), `#!/bin/sh\n${script}\n`, { mode });
  return new NvidiaSmiReader('h', { path: `${folder}:/usr/bin:/bin`, timeoutMs });
}

const DEVICE = '0, GPU-1, 7823, 10240, 2048, 369, 41, 55, 121.37, 550.54.15, NVIDIA GeForce RTX 3080';

describe('NvidiaSmiReader', () => {
  it('reads what nvidia-smi prints, and asks for it as CSV without units', async () => {
    const reader = readerOf(`echo "$*" > ${folder}/args; echo "${DEVICE}"`);
    expect(await reader.read()).toMatchObject([{ host: 'h', uuid: 'GPU-1', memory_used_bytes: 7823 * 1_048_576 }]);
    expect(readFileSync(join(folder, 'args'), 'utf8')).toMatch(/^--query-gpu=index,uuid,\S+,name --format=csv,noheader,nounits\n$/);
  });

  it('finds no device where there is none', async () => {
    expect(await readerOf('echo "No devices were found"').read()).toEqual([]);
    expect(await readerOf('echo "No devices were found"; exit 0').read()).toEqual([]);
  });

  it.each([
    [
      'the driver is away',
      'echo "NVIDIA-SMI has failed because it couldn\'t communicate with the NVIDIA driver."; exit 9',
      /^nvidia-smi: NVIDIA-SMI has failed/,
    ],
    [
      'versions differ',
      'echo "Failed to initialize NVML: Driver/library version mismatch"; exit 18',
      /^nvidia-smi: Failed to initialize NVML/,
    ],
    ['it speaks on stderr only', 'echo "broken pipe of the driver" >&2; exit 3', /^nvidia-smi: broken pipe of the driver$/],
    ['it says nothing', 'exit 7', /^nvidia-smi: ended with code 7$/],
    ['its only device has no memory figures', 'echo "0, GPU-1, [N/A], [N/A], [N/A], 1, 1, 1, 1, 1, X"', /^nvidia-smi: 0, GPU-1/],
  ])('rejects with one clear line when %s', async (_what, script, message) => {
    await expect(readerOf(script).read()).rejects.toThrow(message);
  });

  it('rejects when there is no nvidia-smi, or none that may be run', async () => {
    const missing = new NvidiaSmiReader('h', { path: folder });
    await expect(missing.read()).rejects.toThrow(/^nvidia-smi is not installed$/);
    const forbidden = readerOf('echo', { mode: 0o644 });
    await expect(forbidden.read()).rejects.toThrow(/^nvidia-smi (may not be run by this user|is not installed)$/);
  });

  it('kills a call that hangs, its children’s open output notwithstanding, and works again afterwards', async () => {
    const reader = readerOf(`if [ -e ${folder}/hang ]; then sleep 60; fi; echo "${DEVICE}"`, { timeoutMs: 300 });
    writeFileSync(join(folder, 'hang'), '');
    await expect(reader.read()).rejects.toThrow(/^nvidia-smi gave no answer within 300 ms$/);
    rmSync(join(folder, 'hang'));
    expect(await reader.read()).toHaveLength(1);
  });

  it('keeps the devices that answer although the call fails because of another', async () => {
    const reader = readerOf(`echo "${DEVICE}"; echo "Unable to determine the device handle for GPU1: GPU is lost."; exit 15`);
    expect(await reader.read()).toHaveLength(1);
  });

  it('asks again without a field that the driver does not know, and remembers', async () => {
    const script = `echo x >> ${folder}/calls
      case "$1" in
        *memory.reserved*) echo 'Field "memory.reserved" is not a valid field to query.'; exit 2;;
        *power.draw*) echo 'Field "power.draw" is not a valid field to query.'; exit 2;;
      esac
      echo "0, GPU-1, 7823, 10240, 2048, 41, 55, 390.10, Tesla"`;
    const reader = readerOf(script);
    const [reading] = await reader.read();
    expect(reading).toMatchObject({ temperature_celsius: 55, driver_version: '390.10' });
    expect(reading).not.toHaveProperty('power_watts');
    await reader.read();
    expect(readFileSync(join(folder, 'calls'), 'utf8').length / 2).toBe(4);
  });

  it('does not ask for ever when every query is refused', async () => {
    const reader = readerOf(`echo 'Field "memory.reserved" is not a valid field to query.'; exit 2`);
    await expect(reader.read()).rejects.toThrow('nvidia-smi refuses every query');
  });
});
