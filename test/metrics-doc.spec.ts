import { readFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import { expect, it } from 'vitest';
import { OUTBOX_INSTRUMENTS, PROCESS_INSTRUMENTS, prometheusName, type Instrument, type Instruments } from '#libs/process-metrics';
import { AGGREGATOR_INSTRUMENTS } from '../apps/aggregator/in/instruments.js';
import { GATEWAY_INSTRUMENTS } from '../apps/gateway/in/instruments.js';
import { GPU_PROBE_INSTRUMENTS } from '../apps/gpu-probe/in/instruments.js';
import { MODEL_SERVER_INSTRUMENTS } from '../apps/model-server/in/instruments.js';
import { ROOT } from './support/shared.js';

const HEADING = '## Each process’s own `/metrics`';
const DOCUMENT = `${ROOT}docs/operations.md`;

const TABLES: readonly (readonly [string, Instruments])[] = [
  ['Every process', PROCESS_INSTRUMENTS],
  ['The gateway and the GPU probe: the way to the event log', OUTBOX_INSTRUMENTS],
  ['The gateway', GATEWAY_INSTRUMENTS],
  ['The aggregator', AGGREGATOR_INSTRUMENTS],
  ['The GPU probe', GPU_PROBE_INSTRUMENTS],
  ['The simulated model server', MODEL_SERVER_INSTRUMENTS],
];

function rowOf(instrument: Instrument): string {
  const { kind, unit, labels = [], help } = instrument;
  const unitWord = { s: 'seconds', By: 'bytes', '1': 'ratio' }[unit] ?? unit.replaceAll(/[{}]/g, '');
  const labelNames = labels.map((label) => `\`${label.replaceAll('.', '_')}\``).join(', ');
  return `| \`${prometheusName(instrument)}\` | ${kind} | ${unitWord} | ${labelNames} | ${help} |`;
}

function section(): string {
  const tables = TABLES.flatMap(([who, instruments]) => [
    `### ${who}`,
    ['| Metric | Type | Unit | Labels | Meaning |', '|---|---|---|---|---|', ...Object.values(instruments).map(rowOf)].join('\n'),
  ]);
  const about =
    '`GET /metrics` on every app tells of that process, for Prometheus: scrape each of them. It asks for `API_TOKEN` where one is set, ' +
    'and speaks the text format 0.0.4 and OpenMetrics 1.0. The fleet’s numbers are at the aggregator’s `/metrics/prometheus`, under other names: ' +
    'scrape one of these. In `npm start` all apps are one process, and each tells of it. “Lately” is the worse of the last two windows of at ' +
    'least 15 s, so that several scrapers see the same; where a value is unknown, its sample is absent.';
  return [HEADING, about, ...tables].join('\n\n');
}

it('docs/operations.md lists the instruments of the code (npx vitest run test/metrics-doc.spec.ts -u)', async () => {
  const document = readFileSync(DOCUMENT, 'utf8');
  const [before = '', after = ''] = document.split(HEADING);
  const rest = /^## /m.exec(after);
  const next = rest ? `\n\n${after.slice(rest.index)}` : '\n';
  const wanted = await format(`${before}${section()}${next}`, { ...(await resolveConfig(DOCUMENT)), parser: 'markdown' });
  await expect(wanted).toMatchFileSnapshot(DOCUMENT);
});

it('no two instruments of one process share a name', () => {
  const instruments = new Set(TABLES.flatMap(([, table]) => Object.values(table)));
  const names = Array.from(instruments, prometheusName);
  expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
  expect(names.filter((name) => !/^(inferometer|process|nodejs|v8js)_[a-z0-9_]+$/.test(name))).toEqual([]);
});
