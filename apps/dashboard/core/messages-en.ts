import { DEFAULT_URL, INTERVAL_SECONDS, WINDOWS } from './arguments.js';
import type { Messages } from './messages.js';

export const ENGLISH: Messages = {
  title: 'Inferometer · vLLM service live dashboard',
  requests: 'Request state',
  waiting: 'Waiting',
  running: 'Running',
  total: 'Total',
  concurrency: 'Concurrency',
  slo: 'SLO',
  targets: 'targets met',
  targetsMissed: 'missed',
  targetNames: { ttft_p95: 'TTFT', decoding_throughput: 'throughput', success_rate: 'success rate', gpu_memory: 'GPU memory' },
  gpu: 'GPU memory',
  noGpu: 'no reading',
  alerts: 'Alerts',
  none: 'none',
  levels: { warning: 'WARNING', critical: 'CRITICAL' },
  statuses: { healthy: 'healthy', degraded: 'degraded', critical: 'critical', unknown: 'unknown' },
  status: 'Status',
  window: 'Window',
  quit: 'q quits',
  waitingForData: 'Waiting for the first data …',
  units: ['s', 'min', 'h', 'd'],
  more: (count) => `+${count} more`,
  stale: '(data too old)',
  lasting: (duration) => `for ${duration}`,
  age: (duration) => `data ${duration} old`,
  lastSeen: (duration) => `Last seen ${duration} ago`,
  problems: {
    refused: 'connection refused',
    unknown_host: 'host not found',
    timeout: 'no answer in time',
    cut: 'connection cut',
    not_http: 'the answer is not HTTP',
    too_large: 'the answer is too large',
    not_json: 'the answer is not a JSON object',
  },
  cannotConnect: (code) => `cannot connect (${code})`,
  badField: (path) => `not a metrics document: ${path} is missing or wrong`,
  tokenMissing: '401: set API_TOKEN',
  tokenRefused: '401: API_TOKEN is not accepted',
  noApi: '404: no metrics API at this address',
  answered: (status) => `the server answered ${status}`,
  mistakes: {
    unknown: (argument) => `unknown argument "${argument}"; see --help`,
    needs_value: (argument) => `${argument} needs a value`,
    takes_no_value: (argument) => `${argument} takes no value`,
    bad_url: () => `--url must be an http:// or https:// address without user, query and fragment, such as ${DEFAULT_URL}`,
    bad_interval: (argument) =>
      `--interval must be a number of seconds from ${INTERVAL_SECONDS.min} to ${INTERVAL_SECONDS.max}, not "${argument}"`,
    bad_window: (argument) => `--window must be one of ${WINDOWS.join(', ')}, not "${argument}"`,
    json_needs_once: () => '--json needs --once',
  },
  badLocale: 'LOCALE must be en or zh',
  help: `npm run dashboard -- [OPTIONS]: shows the state of the service, live, in the terminal

  --url URL           gateway or aggregator to ask [${DEFAULT_URL}]
  --interval SECONDS  time between two questions, ${INTERVAL_SECONDS.min} to ${INTERVAL_SECONDS.max} [1]
  --window WINDOW     what rates and percentiles cover: ${WINDOWS.join(', ')} [5m]
  --once              prints one frame and ends: 0 with data, 1 without
  --json              with --once: prints the metrics document instead
  --help              prints this

Keys: q or Ctrl-C quits, Ctrl-L draws anew, Ctrl-Z suspends.
Environment: API_TOKEN (sent as bearer token), LOCALE (en, zh), NO_COLOR, FORCE_COLOR.`,
};
