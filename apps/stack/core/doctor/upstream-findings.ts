import { counted, listed } from './amounts.js';
import { fail, ok, warn, type Finding } from './finding.js';
import { failureMend, failureSaid, type HttpLook } from './http-look.js';
import { modelsIn, processIn } from './processes.js';

/** One of the model servers. */
export interface UpstreamFacts {
  /** Without what it may hold of a user and a password. */
  readonly address: string;
  /** True if the gateway itself is at this address. */
  readonly isOwn: boolean;
  /** The list of models, asked for with UPSTREAM_API_KEY where there is one. */
  readonly models: HttpLook;
  readonly health: HttpLook;
}

export interface UpstreamsFacts {
  readonly upstreams: readonly UpstreamFacts[];
  readonly hasKey: boolean;
}

const CHECK = 'upstream';
const SETTING = 'UPSTREAM_URL';

export function upstreamFindings({ upstreams, hasKey }: UpstreamsFacts): readonly Finding[] {
  const findings = upstreams.map((upstream) => upstreamFinding(upstream, hasKey));
  return [...findings, ...differenceIn(upstreams)];
}

/** Where no UPSTREAM_URL is set. */
export function simulatedUpstream(): Finding {
  return ok(CHECK, 'UPSTREAM_URL is not set: npm start brings a simulated model server');
}

function upstreamFinding({ address, isOwn, models, health }: UpstreamFacts, hasKey: boolean): Finding {
  if (isOwn)
    return fail(CHECK, `${address} is the gateway itself: requests would go round in circles`, `let ${SETTING} name the model server`);
  if (processIn(health) === 'gateway' || processIn(models) === 'gateway')
    return warn(
      CHECK,
      `${address} is an Inferometer gateway: requests are counted twice`,
      `let ${SETTING} name the model server behind it`,
    );
  if (!models.ok) return fail(CHECK, `${address} ${failureSaid(models)}`, failureMend(models, SETTING));
  return answerFinding(address, models, hasKey);
}

function answerFinding(address: string, models: Extract<HttpLook, { ok: true }>, hasKey: boolean): Finding {
  const { status, tookMs } = models;
  const names = modelsIn(models);
  if (status === 401 || status === 403) return refusal(address, status, hasKey);
  if (status >= 300 && status < 400)
    return fail(CHECK, `${address} answers with a redirect (${status}), and none is followed`, `let ${SETTING} name where it leads to`);
  if (status >= 500) return fail(CHECK, `${address} answers with ${status}: it is there, and does not work`, 'see its own log');
  if (status !== 200 || names === undefined)
    return warn(CHECK, `${address} answers ${status} at /v1/models, and no list of models`, `is ${SETTING} an OpenAI-compatible server?`);
  const told = `${address} answers in ${Math.round(tookMs)} ms`;
  if (names.length === 0) return warn(CHECK, `${told}, and has no model`, 'load a model there');
  return ok(CHECK, `${told}: ${counted(names.length, 'model')} (${listed(names)})`);
}

function refusal(address: string, status: number, hasKey: boolean): Finding {
  if (hasKey) return fail(CHECK, `${address} refuses UPSTREAM_API_KEY (${status})`, 'set the key that the model server was started with');
  const found = `${address} asks for a key (${status}), and UPSTREAM_API_KEY is not set`;
  return warn(CHECK, found, 'set it, unless every client brings a key of its own');
}

/** A request goes to any of them, so they have to have the same models. */
function differenceIn(upstreams: readonly UpstreamFacts[]): readonly Finding[] {
  const lists = upstreams.flatMap(({ models }) => modelsIn(models) ?? []);
  const lacking = upstreams.filter(({ models }) => {
    const names = modelsIn(models);
    return names !== undefined && lists.some((name) => !names.includes(name));
  });
  if (lacking.length === 0) return [];
  const found = `not all models are everywhere; some are missing at ${listed(lacking.map(({ address }) => address))}`;
  return [warn(CHECK, found, `let ${SETTING} name servers with the same models: a request goes to any of them`)];
}

/** AGGREGATOR_URL of the gateway. */
export function aggregatorFinding(address: string, health: HttpLook): Finding {
  const [check, setting] = ['aggregator', 'AGGREGATOR_URL'];
  if (!health.ok) return fail(check, `${address} ${failureSaid(health)}`, failureMend(health, setting));
  const app = processIn(health);
  if (app === 'aggregator') return ok(check, `${address} answers in ${Math.round(health.tookMs)} ms`);
  const what = app === undefined ? `no aggregator (it answers ${health.status})` : `the ${app} of an Inferometer`;
  return fail(check, `${address} is ${what}`, `let ${setting} name an aggregator, at port 9100 unless set otherwise`);
}

/** True if a server that listens at `host` and `port` is what `url` leads to from the same machine. */
export function leadsTo(url: string, host: string, port: number, ownNames: readonly string[]): boolean {
  const { hostname, port: named, protocol } = new URL(url);
  const to = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const isSamePort = port !== 0 && Number(named || (protocol === 'https:' ? 443 : 80)) === port;
  const isWildcard = host === '0.0.0.0' || host === '::';
  const isHere = isLoopback(to) ? isWildcard || isLoopback(host) : to === host || (isWildcard && ownNames.includes(to));
  return isSamePort && isHere;
}

function isLoopback(host: string): boolean {
  return /^(127\.[\d.]+|::1|localhost)$/.test(host);
}
