import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeEvent, encodeEvent, EventSource } from '#libs/contracts';
import { simulatedReading } from './simulated-gpu.js';

const times = fc.integer({ min: 0, max: 4_102_444_800_000 });

describe('simulatedReading', () => {
  it('is plausible, acceptable to the contract and the same for the same arguments, at any time', () => {
    const source = new EventSource('/probes/p', 'boot');
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 60 }), fc.nat(), times, (host, seed, atMs) => {
        const reading = simulatedReading(host, seed, atMs, 76);
        const event = source.stamp('io.inferometer.gpu.read.v1', 0, reading.uuid, reading, atMs);
        expect(decodeEvent(encodeEvent(event))).toMatchObject({ ok: true });
        expect(reading.memory_used_bytes + reading.memory_free_bytes).toBe(reading.memory_total_bytes);
        expect(reading.memory_used_bytes / reading.memory_total_bytes).toBeGreaterThan(0.69);
        expect(reading.memory_used_bytes / reading.memory_total_bytes).toBeLessThan(0.84);
        expect(simulatedReading(host, seed, atMs, 76)).toEqual(reading);
      }),
    );
  });

  it('shows the card of the first users: 9.64 GiB', () => {
    const { name, memory_total_bytes: total } = simulatedReading('h', 1, 0, 76);
    expect([name, (total / 1024 ** 3).toFixed(2)]).toEqual(['NVIDIA GeForce RTX 3080', '9.64']);
  });

  it('moves with time while its identity stays', () => {
    const day = Array.from({ length: 600 }, (_, second) => simulatedReading('h', 1, second * 1000, 76));
    expect(new Set(day.map(({ uuid }) => uuid)).size).toBe(1);
    const shares = day.map((reading) => reading.memory_used_bytes / reading.memory_total_bytes);
    expect(Math.max(...shares) - Math.min(...shares)).toBeGreaterThan(0.1);
    const steps = shares.slice(1).map((share, index) => Math.abs(share - shares[index]!));
    expect(Math.max(...steps)).toBeLessThan(0.02);
  });

  it('fills its memory as it is told, and never beyond its ends', () => {
    fc.assert(
      fc.property(times, fc.integer({ min: 0, max: 100 }), (atMs, memoryPercent) => {
        const { memory_used_bytes: used, memory_total_bytes: total } = simulatedReading('h', 1, atMs, memoryPercent);
        expect(used).toBeGreaterThanOrEqual(Math.max(0, (memoryPercent / 100 - 0.061) * total));
        expect(used).toBeLessThanOrEqual(Math.min(1, memoryPercent / 100 + 0.071) * total);
      }),
    );
  });

  it('gives each host and seed a device of its own', () => {
    const uuids = [simulatedReading('a', 1, 0, 76), simulatedReading('b', 1, 0, 76), simulatedReading('a', 2, 0, 76)].map(
      ({ uuid }) => uuid,
    );
    expect(new Set(uuids).size).toBe(3);
    for (const uuid of uuids) expect(uuid).toMatch(/^GPU-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  });
});
