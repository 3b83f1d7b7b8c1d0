import { describe, expect, it } from 'vitest';
import { acceptsGzip, formatFor } from './formats.js';

/** What Prometheus 2.42, 2.53 and 3.5 send, and 3.5 where it scrapes native histograms. */
const PROMETHEUS_2 =
  'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';
const PROMETHEUS_2_LATE =
  'application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2';
const PROMETHEUS_3 =
  'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2';
const PROMETHEUS_3_NATIVE =
  'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;escaping=allow-utf-8;q=0.7,' + PROMETHEUS_3;

describe('formatFor', () => {
  it.each([
    [undefined, 'text'],
    ['', 'text'],
    [',;,', 'text'],
    ['*/*', 'text'],
    ['text/html, */*;q=0.1', 'text'],
    [PROMETHEUS_2, 'openmetrics'],
    [PROMETHEUS_2_LATE, 'openmetrics'],
    [PROMETHEUS_3, 'openmetrics'],
    [PROMETHEUS_3_NATIVE, 'openmetrics'],
    ['text/plain;version=0.0.4;q=0.5,*/*;q=0.1', 'text'],
    ['application/openmetrics-text', 'openmetrics'],
    ['application/openmetrics-text; version="1.0.0"; charset=utf-8', 'openmetrics'],
    ['Application/OpenMetrics-Text; Version=1.0.0 , */*', 'openmetrics'],
    ['application/openmetrics-text;q=0', 'text'],
    ['application/openmetrics-text;q=0.2, text/plain;q=0.9', 'text'],
    ['application/openmetrics-text;q=0.9, text/plain;q=0.2', 'openmetrics'],
    ['application/openmetrics-text, text/plain', 'text'],
    ['application/openmetrics-text;q=0.2, */*', 'text'],
    ['application/openmetrics-text;q=0.2, text/*', 'text'],
    ['application/openmetrics-text;q=x', 'text'],
    ['application/openmetrics-text;version=0.0.1', 'text'],
    ['application/openmetrics-text;version=2.0.0, text/plain;q=0.1', 'text'],
    ['application/openmetrics-text;version=1.0.0;q=0.5, text/plain;version=1.0.0;q=0.9', 'openmetrics'],
    ['application/openmetrics-text-but-not-quite, text/plain', 'text'],
  ])('answers %s with %s', (accept, format) => {
    expect(formatFor(accept)).toBe(format);
  });
});

describe('acceptsGzip', () => {
  it.each([
    [undefined, false],
    ['', false],
    ['identity', false],
    ['gzip', true],
    ['GZIP;q=0.5, deflate', true],
    ['br, x-gzip', true],
    ['gzip;q=0', false],
    ['gzip;q=0, *', false],
    ['*', true],
    ['gzipped', false],
  ])('of %s is %s', (acceptEncoding, accepted) => {
    expect(acceptsGzip(acceptEncoding)).toBe(accepted);
  });
});
