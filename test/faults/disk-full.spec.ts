import { describe, expect, it, onTestFinished } from 'vitest';
import { freePort } from '../../tools/kafka/broker.js';
import { canStartKafka, KafkaBroker } from '../support/kafka.js';
import { waitFor } from '../support/wait.js';
import { GatewayProcess } from './harness/gateway-process.js';
import { OpenLoop } from './harness/open-loop.js';
import { randomFor } from './harness/plan.js';
import { SteadyUpstream } from './harness/steady-upstream.js';
import { TinyDisk } from './harness/tiny-disk.js';
import { tally, Told } from './harness/told.js';
import { flood } from './harness/wire.js';

const REQUESTS_PER_SECOND = 100;
/** Each is told in two events; 100,000 events fit into memory. */
const FLOOD = 4_000;
const MOST_FLOODS = 25;
const DROPS = 1_000;
const BAD_REQUEST = 'POST /v1/embeddings HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n[]';

const canStart = await canStartKafka();

describe.skipIf(!canStart)('fault 20: the disk under the spool is full, and the broker away', () => {
  it('no request fails; what memory cannot hold either is dropped, and counted everywhere', { timeout: 240_000 }, async ({ skip }) => {
    const random = randomFor('disk full');
    const disk = new TinyDisk();
    onTestFinished(() => disk.close());
    if (disk.kind === 'none') console.warn('SKIPPED: a full disk: neither mount nor prlimit can be used here');
    skip(disk.kind === 'none');
    const upstream = await SteadyUpstream.start(1);
    onTestFinished(() => upstream.close());
    const port = await freePort();
    const prefix = `full-${random.seed}.`;
    const url = `kafka://127.0.0.1:${port}`;
    const env = { EVENT_LOG_URL: url, EVENT_LOG_TOPIC_PREFIX: prefix, SPOOL_DIR: disk.folder };
    const gateway = await GatewayProcess.start(upstream.url, env, (kill) => onTestFinished(kill));
    disk.limit(gateway.app.pid);
    const load = new OpenLoop(gateway.url, 'load');
    load.start(REQUESTS_PER_SECOND);

    for (let floods = 0; floods < MOST_FLOODS && (await gateway.eventLog()).dropped < DROPS; floods += 1) {
      await flood(gateway.url, BAD_REQUEST, 400, FLOOD);
    }
    const full = await gateway.eventLog();
    expect(full.dropped).toBeGreaterThanOrEqual(DROPS);
    expect(gateway.app.output.match(/the spool cannot be used/g)).toHaveLength(1);

    disk.grow();
    const broker = await KafkaBroker.start({ port });
    onTestFinished(() => broker.stop());
    await waitFor('everything that is left to be sent', async () => (await gateway.eventLog()).spooled < 100, 60_000);
    const answers = await load.stop();
    await gateway.idle();
    const { dropped } = await gateway.eventLog();
    expect(await gateway.sum('inferometer_outbox_dropped_total')).toBe(dropped);
    const { requests: stats } = await gateway.stats();
    expect(await gateway.app.signal('SIGTERM')).toBe(0);

    expect(tally(answers.map(({ status }) => String(status)))).toEqual({ 200: answers.length });
    const told = await Told.read(url, prefix);
    expect(Math.max(...told.heartbeats.map((beat) => beat.dropped))).toBe(dropped);
    expect(Math.max(...told.heartbeats.map((beat) => beat.received_total))).toBe(stats.received);
    expect(told.missing).toBe(dropped);
    console.log(`on ${disk.kind}: ${stats.received} requests, ${full.spooled} events waited, ${dropped} were dropped`);
  });
});
