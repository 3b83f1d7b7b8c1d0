import { describe, expect, it } from 'vitest';
import { decodeEvent, encodeEvent, EventSource } from '#libs/contracts';
import { fieldsOf, firstLine, parseNvidiaSmi, unknownFieldIn } from './nvidia-smi.js';

const FIELDS = fieldsOf(new Set());
const UUID = 'GPU-8f6c9a52-0c55-b1b0-3a2f-6f3a1c8b7d10';
const MIB = 1_048_576;

function parse(...lines: string[]) {
  return parseNvidiaSmi(`${lines.join('\n')}\n`, FIELDS, 'host-1');
}

describe('fieldsOf', () => {
  it('asks for the name last, and leaves out what the driver does not know', () => {
    expect(FIELDS.join(',')).toBe(
      'index,uuid,memory.used,memory.total,memory.free,memory.reserved,utilization.gpu,temperature.gpu,power.draw,driver_version,name',
    );
    const without = fieldsOf(new Set(['memory.reserved', 'power.draw']));
    expect(without.join(',')).toBe('index,uuid,memory.used,memory.total,memory.free,utilization.gpu,temperature.gpu,driver_version,name');
  });
});

describe('parseNvidiaSmi', () => {
  it('reads a device whole', () => {
    expect(parse(`0, ${UUID}, 7823, 10240, 2048, 369, 41, 55, 121.37, 550.54.15, NVIDIA GeForce RTX 3080`)).toEqual({
      readings: [
        {
          host: 'host-1',
          uuid: UUID,
          index: 0,
          name: 'NVIDIA GeForce RTX 3080',
          vendor: 'NVIDIA',
          memory_used_bytes: 7823 * MIB,
          memory_total_bytes: 10240 * MIB,
          memory_free_bytes: 2048 * MIB,
          memory_reserved_bytes: 369 * MIB,
          compute_utilization_percent: 41,
          temperature_celsius: 55,
          power_watts: 121.37,
          driver_version: '550.54.15',
        },
      ],
    });
  });

  it('gives readings that the contract accepts', () => {
    const [reading] = parse(`0, ${UUID}, 0, 81559, 81008, 551, 0, 31, 69.30, 550.54.15, NVIDIA H100 80GB HBM3`).readings;
    const event = new EventSource('/probes/p', 'boot').stamp('io.inferometer.gpu.read.v1', 0, UUID, reading!, 1_767_225_600_000);
    expect(decodeEvent(encodeEvent(event))).toMatchObject({ ok: true });
  });

  it.each([
    '[N/A]',
    '[Not Supported]',
    'N/A',
    '[Unknown Error]',
    'ERR!',
    '[GPU is lost]',
    '[Insufficient Permissions]',
    '',
    'NaN',
    '1e999',
  ])('leaves out a value that stands as %j', (value) => {
    const [reading, ...more] = parse(`2, ${UUID}, 10, 100, 90, ${value}, ${value}, ${value}, ${value}, ${value}x, Tesla K80`).readings;
    expect(more).toEqual([]);
    expect(Object.keys(reading!)).toEqual(expect.not.arrayContaining(['memory_reserved_bytes', 'compute_utilization_percent']));
    expect(Object.keys(reading!)).toEqual(expect.not.arrayContaining(['temperature_celsius', 'power_watts']));
  });

  it('leaves out an unknown driver version', () => {
    const [reading] = parse(`0, ${UUID}, 10, 100, 90, 1, 1, 1, 1, [N/A], Tesla K80`).readings;
    expect(reading).not.toHaveProperty('driver_version');
  });

  it('leaves out the absurd: a load of 101 %, 2000 °C, a negative power', () => {
    const [reading] = parse(`0, ${UUID}, 10, 100, 90, 1, 101, 2000, -5, 1.0, Tesla K80`).readings;
    expect(Object.keys(reading!).toSorted()).toEqual(
      [
        'driver_version',
        'host',
        'index',
        'memory_free_bytes',
        'memory_reserved_bytes',
        'memory_total_bytes',
        'memory_used_bytes',
        'name',
        'uuid',
        'vendor',
      ].toSorted(),
    );
  });

  it('takes a name with commas whole', () => {
    expect(parse(`0, ${UUID}, 10, 100, 90, 1, 1, 1, 1, 1.0, Quadro RTX 6000, rev. A, 24 GB`).readings[0]!.name).toBe(
      'Quadro RTX 6000, rev. A, 24 GB',
    );
  });

  it('takes figures with units, as some old drivers print them in spite of nounits', () => {
    expect(parse(`0, ${UUID}, 7823 MiB, 10240 MiB, 2048 MiB, 369 MiB, 41 %, 55 C, 121.37 W, 390.1, GTX`).readings[0]).toMatchObject({
      memory_used_bytes: 7823 * MIB,
      compute_utilization_percent: 41,
      temperature_celsius: 55,
      power_watts: 121.37,
    });
  });

  it('reads several devices, in any line endings', () => {
    const output = `0, ${UUID}, 1, 100, 99, 0, 0, 30, 50, 1.0, A\r\n1, ${UUID}b, 2, 100, 98, 0, 0, 30, 50, 1.0, B\r\n\r\n`;
    expect(parseNvidiaSmi(output, FIELDS, 'h').readings.map(({ index, name }) => [index, name])).toEqual([
      [0, 'A'],
      [1, 'B'],
    ]);
  });

  it.each([
    ['unknown memory', '0, GPU-1, [N/A], [N/A], [N/A], [N/A], 3, 40, 9, 580.1, NVIDIA GB10'],
    ['memory of none', '0, GPU-1, 0, 0, 0, 0, 3, 40, 9, 580.1, NVIDIA GB10'],
    ['more used than there is', '0, GPU-1, 11, 10, 0, 0, 3, 40, 9, 580.1, NVIDIA GB10'],
    ['no uuid', '0, [N/A], 1, 10, 9, 0, 3, 40, 9, 580.1, NVIDIA GB10'],
    ['too few columns', '0, GPU-1, 1, 10'],
  ])('reports no device with %s, and keeps the line as a complaint', (_what, line) => {
    expect(parse(line)).toEqual({ readings: [], complaint: line });
  });

  it('keeps the devices that answer when another is lost', () => {
    const lost = 'Unable to determine the device handle for GPU1: 0000:41:00.0: Unknown Error';
    const parsed = parse(`0, ${UUID}, 1, 100, 99, 0, 0, 30, 50, 1.0, A`, lost);
    expect([parsed.readings.length, parsed.complaint]).toEqual([1, lost]);
  });

  it('finds nothing, without complaint, where there is nothing', () => {
    expect(parse('No devices were found')).toEqual({ readings: [] });
    expect(parse('')).toEqual({ readings: [] });
  });

  it('hands on what the driver says, shortened to a line', () => {
    const text = `\nNVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.${' x'.repeat(300)}\nsecond line`;
    expect(parse(text).complaint).toMatch(/^NVIDIA-SMI has failed because it couldn't communicate/);
    expect(parse(text).complaint).toHaveLength(200);
    expect(firstLine(text)).toHaveLength(200);
  });
});

describe('unknownFieldIn', () => {
  it('names an optional field that the driver refuses, and nothing else', () => {
    expect(unknownFieldIn('Field "memory.reserved" is not a valid field to query.\n')).toBe('memory.reserved');
    expect(unknownFieldIn('Field "memory.used" is not a valid field to query.\n')).toBeUndefined();
    expect(unknownFieldIn('No devices were found')).toBeUndefined();
  });
});
