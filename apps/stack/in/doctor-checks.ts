import { hostname, networkInterfaces } from 'node:os';
import { topicsOf, type TopicDefinition } from '#libs/contracts';
import { surveyEventLog, surveySpool, type LogSurvey } from '#libs/event-log';
import { NODE_RANGE, type EventLogSettings } from '#libs/runtime';
import { brokerFindings } from '../core/doctor/broker-findings.js';
import { brokerClockFinding, ownClockFinding } from '../core/doctor/clock-finding.js';
import { fail, ok, skip, type Finding } from '../core/doctor/finding.js';
import { embeddedLogFindings, spoolFindings } from '../core/doctor/folder-findings.js';
import { gpuFinding } from '../core/doctor/gpu-finding.js';
import { nodeFinding } from '../core/doctor/node-finding.js';
import { portFindings } from '../core/doctor/port-findings.js';
import type { ProcessName } from '../core/doctor/processes.js';
import { fileFinding } from '../core/doctor/settings-findings.js';
import { topicFindings } from '../core/doctor/topic-findings.js';
import { aggregatorFinding, leadsTo, simulatedUpstream, upstreamFindings, type UpstreamFacts } from '../core/doctor/upstream-findings.js';
import { lookAtGatewayFiles, lookAtGpus } from '../doctor-parts.js';
import type { DoctorSettings } from '../doctor-settings.js';
import { lookAtCertificates } from '../out/doctor/certificates.js';
import { lookAtFolder } from '../out/doctor/folder.js';
import { lookAtHttp } from '../out/doctor/http.js';
import { brokerAhead } from '../out/doctor/newest-record.js';
import { lookAtPort } from '../out/doctor/port.js';

/** One thing that is looked at. */
export interface Check {
  readonly name: string;
  /** The settings that it depends on: where one of them is wrong, there is nothing to look at. */
  readonly needs: RegExp;
  /** Changes nothing anywhere. Rejects only by a mistake of ours. */
  readonly look: () => Promise<readonly Finding[]>;
}

/** What there is to look at for these settings, in the order in which it is shown. */
export function checksFor(settings: DoctorSettings): readonly Check[] {
  const { gateway, aggregator, gpuProbe } = settings;
  const log = (gateway ?? aggregator ?? gpuProbe)?.eventLog;
  const upstreams = once(() => lookAtUpstreams(settings));
  return [
    ...fileChecks(settings),
    ...(log ? logChecks(log, upstreams) : []),
    ...(gateway ? gatewayChecks(settings, upstreams) : []),
    ...(gpuProbe ? [{ name: 'gpu', needs: /^GPU_/, look: async () => [gpuFinding(await lookAtGpus(gpuProbe))] }] : []),
    { name: 'port', needs: /^HOST$|PORT$/, look: async () => portFindings(await Promise.all(placesOf(settings).map(lookAtPort))) },
  ];
}

/** Always looked at, whatever the settings are. */
export function nodeCheck(): Finding {
  return nodeFinding(process.versions.node, NODE_RANGE);
}

function fileChecks({ gateway, aggregator, gpuProbe }: DoctorSettings): readonly Check[] {
  const caFile = (gateway ?? aggregator ?? gpuProbe)?.eventLog.tls?.caFile;
  const look = async () => {
    const certificates = caFile === undefined ? [] : [lookAtCertificates('EVENT_LOG_TLS_CA_FILE', caFile, Date.now())];
    return [...certificates, ...(gateway ? lookAtGatewayFiles(gateway) : [])].map((facts) => fileFinding(facts));
  };
  return [{ name: 'settings', needs: /^$/, look }];
}

function logChecks(log: EventLogSettings, upstreams: () => Promise<readonly UpstreamFacts[]>): readonly Check[] {
  const topics = topicsOf(log.topicPrefix);
  const survey = once(() => surveyEventLog(log, Object.values(topics)));
  const checks: Check[] = [{ name: 'event log', needs: /^EVENT_LOG_/, look: async () => logFindings(await survey(), log) }];
  if (log.url === 'memory:') return checks;
  const clock = async () => [await clockFinding(log, topics.requests, survey, upstreams)];
  return [
    ...checks,
    { name: 'topics', needs: /^EVENT_LOG_/, look: async () => topicsFound(await survey()) },
    { name: 'clock', needs: /^EVENT_LOG_/, look: clock },
  ];
}

function logFindings(survey: LogSurvey, { tls, sasl }: EventLogSettings): readonly Finding[] {
  if (survey.kind === 'file') return embeddedLogFindings(lookAtFolder(survey.folder), survey);
  if (survey.kind === 'kafka') return brokerFindings({ ...survey, tls: tls !== undefined, sasl: sasl?.mechanism });
  return [ok('event log', 'memory: it lasts as long as its process, and is that process’s alone')];
}

function topicsFound(survey: LogSurvey): readonly Finding[] {
  if (survey.kind === 'memory') return [];
  if (survey.kind === 'kafka' && survey.problem !== undefined)
    return [fail('topics', survey.problem, 'give the user of EVENT_LOG_SASL_USERNAME the right to describe topics and their settings')];
  if (survey.topics !== undefined) return topicFindings(survey.topics, survey.kind === 'kafka' ? survey.nodes.length : 0);
  return survey.kind === 'file' && survey.database === 'none'
    ? [ok('topics', 'none yet: the first process that starts makes them')]
    : [skip('topics', 'the event log cannot be read: see above')];
}

async function clockFinding(
  log: EventLogSettings,
  requests: TopicDefinition,
  survey: () => Promise<LogSurvey>,
  upstreams: () => Promise<readonly UpstreamFacts[]>,
): Promise<Finding> {
  const found = await survey();
  if (found.kind === 'file') return ownClockFinding(found.newestMs, Date.now());
  if (found.kind === 'kafka' && found.topics === undefined) return skip('clock', 'not compared: no broker tells of its topics');
  const [brokerAheadMs, answers] = await Promise.all([brokerAhead(log, requests.name).catch(() => undefined), upstreams()]);
  const elsewhere = answers.filter(({ address }) => !isHere(address)).map(({ models }) => (models.ok ? models.aheadMs : undefined));
  return brokerClockFinding({ brokerAheadMs, upstreamAheadMs: elsewhere.find((aheadMs) => aheadMs !== undefined) });
}

/** A model server on this machine has the same clock. */
function isHere(address: string): boolean {
  const { hostname: host } = new URL(address);
  return /^(127\.[\d.]+|\[::1\]|localhost)$/.test(host) || ownNames().includes(host);
}

function gatewayChecks(settings: DoctorSettings, upstreams: () => Promise<readonly UpstreamFacts[]>): readonly Check[] {
  const { upstream, aggregatorUrl, spool } = settings.gateway!;
  const hasKey = upstream.apiKey !== undefined;
  const upstreamLook = async () =>
    settings.simulated ? [simulatedUpstream()] : upstreamFindings({ upstreams: await upstreams(), hasKey });
  const checks: Check[] = [{ name: 'upstream', needs: /^UPSTREAM_(URL|API_KEY)$/, look: upstreamLook }];
  if (aggregatorUrl !== undefined) {
    const look = async () => [aggregatorFinding(withoutUser(aggregatorUrl), await lookAtHttp(`${aggregatorUrl}/health`))];
    checks.push({ name: 'aggregator', needs: /^AGGREGATOR_URL$/, look });
  }
  if (spool) {
    const look = async () => spoolFindings(lookAtFolder(spool.folder), { ...surveySpool(spool.folder), maxBytes: spool.maxBytes });
    checks.push({ name: 'spool', needs: /^SPOOL_|^EVENT_LOG_URL$/, look });
  }
  return checks;
}

function lookAtUpstreams({ gateway, simulated }: DoctorSettings): Promise<readonly UpstreamFacts[]> {
  if (!gateway || simulated) return Promise.resolve([]);
  const { host, port, upstream } = gateway;
  const key: Record<string, string> = upstream.apiKey === undefined ? {} : { authorization: `Bearer ${upstream.apiKey}` };
  return Promise.all(
    upstream.urls.map(async (url) => {
      const [models, health] = await Promise.all([lookAtHttp(`${url}/v1/models`, key), lookAtHttp(`${url}/health`)]);
      return { address: withoutUser(url), isOwn: leadsTo(url, host, port, ownNames()), models, health };
    }),
  );
}

function placesOf({ gateway, aggregator, gpuProbe, modelServer }: DoctorSettings) {
  const isOne = [gateway, aggregator, gpuProbe, modelServer].filter((part) => part !== undefined).length === 1;
  const place = (app: ProcessName, setting: string, at: { readonly host: string; readonly port: number } | undefined) =>
    at === undefined ? [] : [{ app, setting: isOne ? 'PORT' : setting, host: at.host, port: at.port }];
  return [
    ...place('gateway', 'PORT', gateway),
    ...place('aggregator', 'AGGREGATOR_PORT', aggregator),
    ...place('gpu-probe', 'GPU_PROBE_PORT', gpuProbe),
    ...place('model-server', 'MODEL_SERVER_PORT', modelServer),
  ];
}

/** The names and addresses of this machine. */
function ownNames(): readonly string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address));
  return [hostname().toLowerCase(), ...addresses];
}

/** An address may hold a user and a password, which are nobody's business. */
function withoutUser(address: string): string {
  const { protocol, host, pathname } = new URL(address);
  return `${protocol}//${host}${pathname.replace(/\/+$/, '')}`;
}

function once<T>(look: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => (result ??= look());
}
