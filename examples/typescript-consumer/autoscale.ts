/*
 * How many replicas of the model server the load asks for, told by the gateways' heartbeats alone: a line of JSON whenever that changes.
 * `node examples/typescript-consumer/autoscale.ts`, on the log that EVENT_LOG_URL names, embedded or Kafka.
 */
import { decodeEvent, topicsOf, type GatewayHeartbeat } from '#libs/contracts';
import { openEventLog, type LogRecord } from '#libs/event-log';
import { eventLogSettings, SettingsReader } from '#libs/runtime';

/** Every heartbeat is sent to every partition: one of them is enough. */
const PARTITION = 0;
/** A gateway that was silent for so long is gone. */
const SILENCE_MS = 5_000;

interface Heard extends GatewayHeartbeat {
  readonly atMs: number;
}

const read = new SettingsReader(process.env);
const settings = eventLogSettings(read);
const perReplica = read.integer('REQUESTS_PER_REPLICA', 8, { min: 1, max: 1e6 }, 'requests that one replica takes well');
read.finish(settings);

const gateways = new Map<string, Heard>();
let told = '';

const log = await openEventLog(settings, { mustExist: true });
const following = await log.follow(topicsOf(settings.topicPrefix).requests.name, 'end', {
  records: (partition, records) => {
    if (partition !== PARTITION) return;
    for (const record of records) take(record);
    tell();
  },
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void log.close());
void following.failed.then((cause) => {
  console.error(cause.message);
  process.exitCode = 1;
  return log.close();
});

/** What is no event is passed over: `npm run tail` tells of it. Time is the log's own, so that nobody's clock matters. */
function take({ value, timestampMs }: LogRecord): void {
  const decoded = decodeEvent(value);
  if (decoded.ok && decoded.value.type === 'io.inferometer.gateway.heartbeat.v1') {
    gateways.set(decoded.value.source, { ...decoded.value.data, atMs: timestampMs });
  }
  for (const [source, { atMs }] of gateways) if (atMs < timestampMs - SILENCE_MS) gateways.delete(source);
}

function tell(): void {
  const heard = [...gateways.values()];
  const waiting = heard.reduce((sum, one) => sum + one.waiting, 0);
  const running = heard.reduce((sum, one) => sum + one.running, 0);
  const replicas = Math.max(1, Math.ceil((waiting + running) / perReplica));
  const line = JSON.stringify({ gateways: heard.length, waiting, running, replicas });
  if (line !== told) console.log(line);
  told = line;
}
