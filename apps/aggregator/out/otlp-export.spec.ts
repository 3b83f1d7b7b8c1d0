import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { emptyResource } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  DataPointType,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
  type MetricData,
} from '@opentelemetry/sdk-metrics';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseOpenMetrics } from '../../../test/support/openmetrics.js';
import { doubleAt, fieldsOf, messagesAt, packedAt, textAt } from '../../../test/support/protobuf.js';
import type { OtlpSettings } from '../otlp-settings.js';
import { FleetProducer } from './fleet-producer.js';
import { prometheusNameOf, underscored } from './metric-names/metric.js';
import { OtlpExport } from './otlp-export.js';
import { completed, MIXED, telling, textOf } from './told-fleet.fixture.js';

const FLEET = { ...MIXED, events: [...(MIXED.events ?? []), ...completed({ input_tokens: 9, cached_input_tokens: 4 })] };

/** `name{labels}` and the number of every sample, as the text for Prometheus has them. */
type Numbers = ReadonlyMap<string, number>;

function key(name: string, attributes: Readonly<Record<string, unknown>>): string {
  const labels = Object.entries(attributes).map(([label, value]) => `${underscored(label)}=${String(value)}`);
  return `${name}{${labels.toSorted().join()}}`;
}

async function numbersInText(fleet: ReturnType<typeof telling>): Promise<Numbers> {
  const numbers = new Map<string, number>();
  for (const { samples } of parseOpenMetrics(await textOf(fleet, 'openmetrics'))) {
    for (const { name, labels, value } of samples) numbers.set(key(name, labels), value);
  }
  return numbers;
}

/** Names of metrics in the text, by their OpenTelemetry names. */
function namesOf(fleet: ReturnType<typeof telling>): ReadonlyMap<string, string> {
  return new Map(fleet.sets.flatMap((set) => set.metrics.map((metric) => [metric.name, prometheusNameOf(metric, set)] as const)));
}

interface Cells {
  readonly edges: readonly number[];
  readonly counts: readonly number[];
  readonly sum: number;
}

function addHistogram(numbers: Map<string, number>, name: string, attributes: Readonly<Record<string, unknown>>, cells: Cells): void {
  let count = 0;
  for (const [index, here] of cells.counts.entries()) {
    count += here;
    numbers.set(key(`${name}_bucket`, { ...attributes, le: boundOf(cells.edges[index]) }), count);
  }
  numbers.set(key(`${name}_count`, attributes), count);
  numbers.set(key(`${name}_sum`, attributes), cells.sum);
}

function boundOf(edge: number | undefined): string {
  if (edge === undefined) return '+Inf';
  if (edge >= 1e6) return edge.toExponential().replace(/\+(\d)$/, '+0$1');
  return Number.isInteger(edge) ? `${edge}.0` : String(edge);
}

function numbersOf(metrics: readonly MetricData[], names: ReadonlyMap<string, string>): Numbers {
  const numbers = new Map<string, number>();
  for (const metric of metrics) {
    const name = names.get(metric.descriptor.name)!;
    if (metric.dataPointType === DataPointType.HISTOGRAM) {
      for (const { attributes, value } of metric.dataPoints) {
        addHistogram(numbers, name, attributes, { edges: value.buckets.boundaries, counts: value.buckets.counts, sum: value.sum ?? NaN });
      }
    } else if (metric.dataPointType !== DataPointType.EXPONENTIAL_HISTOGRAM) {
      for (const { attributes, value } of metric.dataPoints) numbers.set(key(name, attributes), value);
    }
  }
  return numbers;
}

describe('any reader of OpenTelemetry’s SDK', () => {
  it('sees the numbers of the text, all of them', async () => {
    const fleet = telling(FLEET);
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const reader = new PeriodicExportingMetricReader({ exporter, metricProducers: [new FleetProducer(fleet, emptyResource())] });
    const provider = new MeterProvider({ readers: [reader] });
    await reader.forceFlush();
    const metrics = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
    await provider.shutdown();
    const wanted = await numbersInText(fleet);
    expect(wanted.size).toBeGreaterThan(500);
    expect(numbersOf(metrics, namesOf(fleet))).toEqual(wanted);
    const kindOf = (name: string) => {
      const metric = metrics.find(({ descriptor }) => descriptor.name === name);
      return metric?.dataPointType === DataPointType.SUM ? metric.isMonotonic : metric?.dataPointType;
    };
    expect(['inferometer.requests', 'hw.gpu.memory.usage', 'hw.power'].map(kindOf)).toEqual([true, false, DataPointType.GAUGE]);
  });
});

interface Received {
  readonly path: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

let server: Server;
let received: Received[];
let status: number;

beforeEach(async () => {
  [received, status] = [[], 200];
  server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      received.push({ path: request.url, headers: request.headers, body: Buffer.concat(parts) });
      response.writeHead(status, { 'content-type': String(request.headers['content-type']) }).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterEach(() => new Promise((resolve) => server.close(resolve)));

function settings(protocol: OtlpSettings['protocol']): OtlpSettings {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/metrics`;
  return {
    url,
    protocol,
    headers: { 'api-key': 'secret' },
    timeoutMs: 5_000,
    intervalMs: 3_600_000,
    attributes: { 'service.name': 'fleet' },
  };
}

interface JsonPoint {
  readonly attributes: readonly { readonly key: string; readonly value: { readonly stringValue: string } }[];
  readonly asDouble?: number;
  readonly bucketCounts?: readonly number[];
  readonly explicitBounds?: readonly number[];
  readonly sum?: number;
}
type JsonMetric = { readonly name: string } & Record<
  'gauge' | 'sum' | 'histogram',
  { readonly dataPoints: readonly JsonPoint[] } | undefined
>;

function numbersInJson(body: Buffer, names: ReadonlyMap<string, string>): Numbers {
  const json = JSON.parse(String(body)) as { resourceMetrics: { scopeMetrics: { metrics: JsonMetric[] }[] }[] };
  const numbers = new Map<string, number>();
  for (const metric of json.resourceMetrics.flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics))) {
    const name = names.get(metric.name)!;
    for (const point of (metric.gauge ?? metric.sum ?? metric.histogram)!.dataPoints) {
      const attributes = Object.fromEntries(point.attributes.map(({ key: label, value }) => [label, value.stringValue]));
      if (metric.histogram) {
        const { explicitBounds = [], bucketCounts = [], sum = NaN } = point;
        addHistogram(numbers, name, attributes, { edges: explicitBounds, counts: bucketCounts.map(Number), sum });
      } else numbers.set(key(name, attributes), point.asDouble ?? NaN);
    }
  }
  return numbers;
}

function float(bits: bigint): number {
  return new Float64Array(new BigUint64Array([bits]).buffer)[0]!;
}

function attributesAt(point: Uint8Array, number: number): Readonly<Record<string, string>> {
  const pairs = messagesAt(point, number).map((pair) => [textAt(pair, 1), textAt(messagesAt(pair, 2)[0]!, 1)] as const);
  return Object.fromEntries(pairs);
}

/** Field numbers: opentelemetry/proto/metrics/v1/metrics.proto. */
function numbersInProtobuf(body: Buffer, names: ReadonlyMap<string, string>): Numbers {
  const numbers = new Map<string, number>();
  const metrics = messagesAt(body, 1).flatMap((resource) => messagesAt(resource, 2).flatMap((scope) => messagesAt(scope, 2)));
  for (const metric of metrics) {
    const name = names.get(textAt(metric, 1))!;
    for (const { number, value } of fieldsOf(metric)) {
      if (number < 5 || !(value instanceof Uint8Array)) continue;
      for (const point of messagesAt(value, 1)) {
        if (number === 9) {
          const cells = { edges: packedAt(point, 7).map(float), counts: packedAt(point, 6).map(Number), sum: doubleAt(point, 5) };
          addHistogram(numbers, name, attributesAt(point, 9), cells);
        } else numbers.set(key(name, attributesAt(point, 7)), doubleAt(point, 4));
      }
    }
  }
  return numbers;
}

describe('what is sent by OTLP', () => {
  it.each([
    ['http/json', 'application/json', numbersInJson],
    ['http/protobuf', 'application/x-protobuf', numbersInProtobuf],
  ] as const)('holds the numbers of the text: %s', async (protocol, type, numbersIn) => {
    const fleet = telling(FLEET);
    const otlp = new OtlpExport(fleet, settings(protocol), () => true, { warn: (line) => expect.fail(String(line)) });
    await otlp.send();
    await otlp.close();
    expect(received).toHaveLength(1);
    const [{ path, headers, body }] = received as [Received];
    expect([path, headers['content-type'], headers['api-key']]).toEqual(['/v1/metrics', type, 'secret']);
    expect(numbersIn(body, namesOf(fleet))).toEqual(await numbersInText(fleet));
  });

  it('is sent by one replica alone', async () => {
    const otlp = new OtlpExport(telling(FLEET), settings('http/json'), () => false, { warn: (line) => expect.fail(String(line)) });
    await otlp.send();
    await otlp.close();
    expect(received).toEqual([]);
  });

  it('is missed once a minute in the log, without its headers, where the collector does not take it', async () => {
    status = 400;
    const said: string[] = [];
    const otlp = new OtlpExport(telling(FLEET), settings('http/json'), () => true, { warn: (line) => void said.push(String(line)) });
    await otlp.send();
    await otlp.send();
    await otlp.close();
    expect(received).toHaveLength(2);
    expect(said).toEqual([expect.stringContaining('could not be sent by OTLP')]);
    expect(said[0]).not.toContain('secret');
  });
});
