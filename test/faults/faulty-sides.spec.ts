import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FaultyUpstream } from './harness/faulty-upstream.js';
import { GatewayProcess, mebibytes } from './harness/gateway-process.js';
import { OUTCOMES, type Manner, type Outcome } from './harness/manners.js';
import { inLongRun, randomFor, rounds, type Random } from './harness/plan.js';
import { tally, Told, type ToldRequest } from './harness/told.js';
import { Visitors, type Habit, type Visit } from './harness/visitor.js';
import { waitFor } from '../support/wait.js';

const REQUESTS = inLongRun(1_000 * rounds(1), 1_500);
const OUTAGES = inLongRun(rounds(1), 2);
const AT_A_TIME = 64;
const PLACES = 24;
const QUEUE = 30;
/** The promise is 100 ms. A machine that is busy with other things may keep this process itself waiting for longer. */
const MOST_ABORT_MS = 2_000;

const ENV = {
  MAX_CONCURRENT_REQUESTS: `${PLACES}`,
  MAX_QUEUE_SIZE: `${QUEUE}`,
  QUEUE_TIMEOUT_MS: '400',
  UPSTREAM_HEADERS_TIMEOUT_MS: '1500',
  UPSTREAM_IDLE_TIMEOUT_MS: '1200',
  CLIENT_STALL_TIMEOUT_MS: '1500',
  CLIENT_BUFFER_BYTES: '65536',
};

const RARE: readonly Manner[] = ['hangs', 'silent_after_head', 'silent_in_stream', 'drip', 'giant_line'];
const FAULTY = (Object.keys(OUTCOMES) as Manner[]).filter((manner) => !RARE.includes(manner) && manner !== 'flood');

function habitOf(random: Random): Habit {
  const dice = random.next();
  if (dice < 0.16) return 'leaves_soon';
  if (dice < 0.24) return 'leaves_at_first_bytes';
  if (dice < 0.29) return 'leaves_in_its_body';
  return dice < 0.31 ? 'stops_reading' : 'stays';
}

/** Faults that take long, or move much, are rare. */
function mannerOf(habit: Habit, random: Random): Manner {
  if (habit === 'stops_reading') return 'flood';
  const dice = random.next();
  if (dice < 0.4) return random.pick(['plain', 'words']);
  return dice < 0.46 ? random.pick(RARE) : random.pick(FAULTY);
}

/** Whatever the upstream is like, there may be no place for a request; and none is reached while it refuses connections. */
function mayEndAs({ manner, sentAtMs, endedAtMs, leftAtMs }: Visit, { outages }: FaultyUpstream): readonly string[] {
  // The gateway may hear a while later that a client has gone, and go on with its request until then.
  const untilMs = leftAtMs === undefined ? endedAtMs : leftAtMs + MOST_ABORT_MS;
  const isRefused = outages.some(({ fromMs, toMs }) => sentAtMs < toMs && untilMs > fromMs);
  return [...OUTCOMES[manner].ends, 'queue_full 503', 'queue_timeout 503', ...(isRefused ? ['upstream_unreachable 502'] : [])];
}

/** What is wrong with what was told of a visit, in a line; undefined if nothing is. */
function faultIn(visit: Visit, told: ToldRequest, upstream: FaultyUpstream): string | undefined {
  const ends = told.ends.map(({ what }) => what);
  const facts = `${JSON.stringify(visit)}; told: received ${told.received}, ${ends.join(', ')}`;
  if (told.received !== ends.length || ends.length > 1) return facts;
  const [end] = ends;
  // One that hung up at once may never have come in.
  if (end === undefined) return visit.leftAtMs === undefined ? facts : undefined;
  if (end.startsWith('cancelled')) return isCancelledRightly(visit, end, upstream) ? undefined : facts;
  return mayEndAs(visit, upstream).includes(end) && (visit.leftAtMs !== undefined || isSeenSo(visit, end)) ? undefined : facts;
}

function isCancelledRightly({ id, habit, leftAtMs, sawToken }: Visit, end: string, { sightings }: FaultyUpstream): boolean {
  const seen = sightings.get(id) ?? [];
  // A client that stops reading does not go by itself: it is dropped.
  if (habit === 'stops_reading' || leftAtMs === undefined) {
    return habit === 'stops_reading' && leftAtMs === undefined && end === 'cancelled streaming';
  }
  if (end === 'cancelled queued') return seen.length === 0;
  return end === 'cancelled streaming' ? seen.some(({ wroteToken }) => wroteToken) : !sawToken;
}

/** A client that stayed has seen the status that was told, and could tell a whole answer from one that broke off. */
function isSeenSo({ manner, status, whole }: Visit, end: string): boolean {
  const meant: Outcome = OUTCOMES[manner];
  const isWhole = meant.ends.includes(end) ? meant.whole : true;
  return end.endsWith(` ${status}`) && whole === isWhole;
}

/** How long the upstream heard nothing of a client that had gone, in ms, sorted; for those whose request was cancelled at the upstream. */
function abortTimes(visits: readonly Visit[], told: Told, { sightings }: FaultyUpstream): readonly number[] {
  return visits
    .filter(({ id, leftAtMs }) => leftAtMs !== undefined && told.of(id).ends[0]?.what.startsWith('cancelled'))
    .flatMap(({ id, leftAtMs }) =>
      (sightings.get(id) ?? [])
        .filter(({ isDone, cutHere, closedAtMs }) => !isDone && !cutHere && closedAtMs! >= leftAtMs!)
        .map(({ closedAtMs }) => closedAtMs! - leftAtMs!),
    )
    .toSorted((a, b) => a - b);
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((all, count) => all + count, 0);
}

async function visitAll(visitors: Visitors, upstream: FaultyUpstream, random: Random): Promise<readonly Visit[]> {
  const visits: Visit[] = [];
  const outageEvery = Math.floor(REQUESTS / (OUTAGES + 1));
  const outages: Promise<void>[] = [];
  let next = 0;
  const oneAfterTheOther = async (): Promise<void> => {
    while (next < REQUESTS) {
      next += 1;
      if (next % outageEvery === 0) outages.push(upstream.goAway(random.integer(50, 300)));
      const habit = habitOf(random);
      const visit = await visitors.visit(`r${next}`, mannerOf(habit, random), habit);
      visits.push(visit);
      // Nobody who was refused comes again at once: the requests would all be gone before the outage is over.
      if (visit.status === 502 || visit.status === 503) await wait(random.integer(20, 200));
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, oneAfterTheOther));
  await Promise.all(outages);
  return visits;
}

describe('faults 15 and 16: faulty upstreams and faulty clients, all at once', () => {
  it(
    `${REQUESTS} requests: each has its one true end in the log, and leaves nothing behind`,
    { timeout: 120_000 + 60 * REQUESTS },
    async () => {
      const random = randomFor('faulty sides');
      const upstream = await FaultyUpstream.start(random);
      onTestFinished(() => upstream.close());
      const gateway = await GatewayProcess.start(upstream.url, ENV, (kill) => onTestFinished(kill));
      const visitors = new Visitors(gateway.url, upstream, random);
      onTestFinished(() => visitors.close());

      const visits = await visitAll(visitors, upstream, random);
      await gateway.idle();
      await waitFor('the upstream to be left alone', async () => upstream.inUse === 0);
      const { requests: stats } = await gateway.stats();
      const memory = await gateway.residentBytes();
      expect(await gateway.app.signal('SIGTERM')).toBe(0);

      const told = await Told.read(`file:${gateway.folder}`);
      const faults = visits.map((visit) => faultIn(visit, told.of(visit.id), upstream)).filter((fault) => fault !== undefined);
      expect(faults.slice(0, 5)).toEqual([]);
      expect(told.requests.size).toBe(visits.length);
      const ends = [...told.requests.values()].flatMap((request) => request.ends);
      expect([ends.length, told.missing]).toEqual([stats.received, 0]);
      expect(stats.successful + sum(stats.failed) + sum(stats.cancelled)).toBe(stats.received);

      expect(upstream.peak).toBe(PLACES);
      const resent = [...upstream.sightings.values()].filter(([first, second]) => second && !first?.asksForUsage);
      expect(resent).toEqual([]);
      const seen = Object.keys(told.counts());
      expect(seen).toEqual(expect.arrayContaining(Object.values(OUTCOMES).flatMap(({ ends: [only] }) => only)));
      expect(seen).toEqual(expect.arrayContaining(['cancelled queued', 'cancelled before_first_token', 'cancelled streaming']));

      const aborts = abortTimes(visits, told, upstream);
      const p99 = aborts[Math.floor(aborts.length * 0.99)] ?? NaN;
      console.log(
        `${visits.length} requests, ${stats.received} received; upstream left ${aborts.length} times by a client that went, p99 ${p99.toFixed(1)} ms, ` +
          `max ${aborts.at(-1)?.toFixed(1)} ms; ${mebibytes(memory)} at the end\n`,
        told.counts(),
        tally(visits.map(({ habit }) => habit)),
      );
      expect(aborts.at(-1)).toBeLessThan(MOST_ABORT_MS);
    },
  );
});
