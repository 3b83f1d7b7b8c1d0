import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { DatabaseSync } from 'node:sqlite';
import { EventSource, type RequestStarted } from '#libs/contracts';
import { openEventLog, Outbox, partitionOf, Spool, type EventLog, type OutgoingRecord } from '#libs/event-log';
import type { BenchRow } from './bench-row.js';

const TOPIC = 'requests';
const PARTITIONS = 6;
const EVENT_BYTES = 480;
const BATCH = 1000;
const BATCHES = 100;
const ROUNDS = 5;
const OFFERS = 100_000;

/** The embedded log beside a bare `node:sqlite` loop (one row per event, same durability, same events per transaction), in turns on one disk. */
export async function run(): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(import.meta.dirname, 'event-log-')); // On the disk of the build, where git does not look; /tmp may be memory.
  try {
    return [...(await appendAndConsume(folder)), ...(await spoolRows(join(folder, 'spool'))), await outboxRow()];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function appendAndConsume(folder: string): Promise<BenchRow[]> {
  const batch = batchOfEvents();
  const bare = bareLoop(folder, batch);
  const log = await openEventLog(`file:${folder}`);
  await log.ensureTopics([{ name: TOPIC, partitions: PARTITIONS, policy: 'delete' }]);
  await log.append(TOPIC, batch); // Starts the writer's thread.
  const pausesMs: number[] = [];
  const rounds: { readonly bare: number; readonly ours: number }[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const bareRate = await rateOf(async () => bare.insertAll());
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const ours = await rateOf(async () => {
      for (let index = 0; index < BATCHES; index += 1) await log.append(TOPIC, batch);
    });
    delay.disable();
    pausesMs.push(delay.max / 1e6);
    rounds.push({ bare: bareRate, ours });
  }
  bare.close();
  const ratio = median(rounds.map((round) => round.ours / round.bare));
  const rows: BenchRow[] = [
    { name: 'bare node:sqlite insert, durable', value: median(rounds.map((round) => round.bare)), unit: 'events/s' },
    { name: `append, durable, ${BATCH} events of ${EVENT_BYTES} B`, value: median(rounds.map(({ ours }) => ours)), unit: 'events/s' },
    { name: 'append against bare insert', value: ratio, unit: 'ratio', bar: '>= 0.8', met: ratio >= 0.8 },
    { name: 'longest pause of the event loop while appending', value: Math.max(...pausesMs), unit: 'ms' },
    { name: 'consume, from the beginning', value: await consumeRate(log), unit: 'records/s' },
  ];
  await log.close();
  return rows;
}

function batchOfEvents(): readonly OutgoingRecord[] {
  return Array.from({ length: BATCH }, (_, index) => {
    const key = `0198c1d4-7a3e-7000-8000-${String(index).padStart(12, '0')}`;
    return { partition: partitionOf(key, PARTITIONS), key, value: Buffer.alloc(EVENT_BYTES, index % 251) };
  });
}

function bareLoop(folder: string, batch: readonly OutgoingRecord[]) {
  const db = new DatabaseSync(join(folder, 'bare.sqlite'));
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  db.exec('CREATE TABLE events (id INTEGER PRIMARY KEY, partition INTEGER, key TEXT, value BLOB, timestamp_ms INTEGER)');
  const insert = db.prepare('INSERT INTO events (partition, key, value, timestamp_ms) VALUES (?, ?, ?, ?)');
  return {
    insertAll() {
      for (let index = 0; index < BATCHES; index += 1) {
        db.exec('BEGIN IMMEDIATE');
        for (const { partition, key, value } of batch) insert.run(partition, key, value, Date.now());
        db.exec('COMMIT');
      }
    },
    close: () => db.close(),
  };
}

async function rateOf(work: () => Promise<void>): Promise<number> {
  const startMs = performance.now();
  await work();
  return (BATCH * BATCHES * 1000) / (performance.now() - startMs);
}

async function consumeRate(log: EventLog): Promise<number> {
  const total = BATCH * (BATCHES * ROUNDS + 1);
  const done = Promise.withResolvers<number>();
  const startMs = performance.now();
  let read = 0;
  const consumption = await log.consume(TOPIC, 'bench', {
    assigned: async () => 'beginning',
    async batch(_partition, records) {
      read += records.length;
      if (read === total) done.resolve(performance.now());
    },
    revoked: async () => {},
  });
  const endMs = await done.promise;
  await consumption.close();
  return (total * 1000) / (endMs - startMs);
}

/** What an outage costs: every event is written to the disk once, and read once. CPU is that of all threads. */
async function spoolRows(folder: string): Promise<BenchRow[]> {
  const batch = batchOfEvents();
  const spool = Spool.inFolder(folder, { maxBytes: 1e9 });
  await spool.append(batch); // Starts the writer's thread.
  await drain(spool);
  const filling: Measured[] = [];
  const draining: Measured[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const fill = async (): Promise<void> => {
      for (let index = 0; index < BATCHES; index += 1) await spool.append(batch);
    };
    filling.push(await measured(fill));
    draining.push(await measured(() => drain(spool)));
  }
  await spool.close();
  return [...rowsOf('spool, in', filling), ...rowsOf('spool, out', draining)];
}

interface Measured {
  readonly eventsPerSecond: number;
  readonly microsecondsOfCpu: number;
}

async function measured(work: () => Promise<void>): Promise<Measured> {
  const before = process.cpuUsage();
  const eventsPerSecond = await rateOf(work);
  const { user, system } = process.cpuUsage(before);
  return { eventsPerSecond, microsecondsOfCpu: (user + system) / (BATCH * BATCHES) };
}

function rowsOf(name: string, rounds: readonly Measured[]): BenchRow[] {
  return [
    { name, value: median(rounds.map((round) => round.eventsPerSecond)), unit: 'events/s' },
    { name: `${name}, an event`, value: median(rounds.map((round) => round.microsecondsOfCpu)), unit: 'µs CPU' },
  ];
}

async function drain(spool: Spool): Promise<void> {
  while (spool.events > 0) {
    const head = await spool.peek(BATCH);
    if (head) spool.remove(head.next);
  }
}

/** What a request pays for one event: the CPU time of `offer` alone, the collector's included; nothing is sent meanwhile. */
async function outboxRow(): Promise<BenchRow> {
  const log = await openEventLog('memory:');
  await log.ensureTopics([{ name: TOPIC, partitions: PARTITIONS, policy: 'delete' }]);
  const costs: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const outbox = new Outbox(log, TOPIC, PARTITIONS, new EventSource('/gateways/bench', `boot-${round}`));
    const before = process.cpuUsage();
    for (let index = 0; index < OFFERS; index += 1) outbox.offer('io.inferometer.request.started.v1', `request-${index}`, started(index));
    const { user, system } = process.cpuUsage(before);
    costs.push((user + system) / OFFERS);
    await outbox.close(0);
  }
  await log.close();
  const value = median(costs);
  return { name: 'outbox offer', value, unit: 'µs CPU', bar: '<= 2', met: value <= 2 };
}

function started(index: number): RequestStarted {
  return { request_id: `request-${index}`, operation: 'chat', model: 'demo-7b', stream: true, queue_ms: 0.1, upstream: '0' };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}
