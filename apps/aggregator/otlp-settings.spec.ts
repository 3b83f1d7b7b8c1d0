import { describe, expect, it } from 'vitest';
import { SettingsReader } from '#libs/runtime';
import { otlpSettings } from './otlp-settings.js';

const settings = (env: Readonly<Record<string, string>>) => {
  const read = new SettingsReader(env);
  return read.finish(otlpSettings(read));
};

describe('the settings of OTLP', () => {
  it('send nothing where no collector is named', () => {
    expect(settings({ OTEL_METRIC_EXPORT_INTERVAL: '1000' })).toBeUndefined();
  });

  it('have the defaults of the specification', () => {
    expect(settings({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318/' })).toEqual({
      url: 'http://c:4318/v1/metrics',
      protocol: 'http/protobuf',
      headers: {},
      timeoutMs: 10_000,
      intervalMs: 60_000,
      attributes: { 'service.name': 'inferometer' },
    });
  });

  it('take an address of its own for metrics as it is, and decode headers and attributes', () => {
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318',
      OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'http://m/x',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20a=b, x=1',
      OTEL_SERVICE_NAME: 'mine',
      OTEL_RESOURCE_ATTRIBUTES: 'service.name=other,deployment.environment=prod',
    };
    expect(settings(env)).toMatchObject({
      url: 'http://m/x',
      protocol: 'http/json',
      headers: { authorization: 'Bearer a=b', x: '1' },
      attributes: { 'service.name': 'mine', 'deployment.environment': 'prod' },
    });
  });

  it('take what is said of metrics alone in place of what is said of all signals, each for itself', () => {
    const general = {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_EXPORTER_OTLP_HEADERS: 'x=1,y=2',
      OTEL_EXPORTER_OTLP_TIMEOUT: '500',
    };
    const own = {
      OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: 'http/protobuf',
      OTEL_EXPORTER_OTLP_METRICS_HEADERS: 'x=3',
      OTEL_EXPORTER_OTLP_METRICS_TIMEOUT: '700',
    };
    expect(settings(general)).toMatchObject({ protocol: 'http/json', headers: { x: '1', y: '2' }, timeoutMs: 500 });
    const both = settings({ ...general, ...own });
    expect([both?.protocol, both?.headers, both?.timeoutMs]).toEqual(['http/protobuf', { x: '3' }, 700]);
    const some = settings({ ...general, OTEL_EXPORTER_OTLP_METRICS_TIMEOUT: '700' });
    expect([some?.protocol, some?.headers, some?.timeoutMs]).toEqual(['http/json', { x: '1', y: '2' }, 700]);
  });

  it.each(['secret', '=secret', 'a=%zzsecret'])('do not repeat headers that are wrong: %s', (value) => {
    for (const name of ['OTEL_EXPORTER_OTLP_HEADERS', 'OTEL_EXPORTER_OTLP_METRICS_HEADERS']) {
      const wrong = () => settings({ [name]: value });
      expect(wrong).toThrow(name);
      expect(wrong).not.toThrow(/secret/);
    }
  });
});
