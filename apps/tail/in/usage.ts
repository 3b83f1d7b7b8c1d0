import { STREAMED_TYPES, plainName } from '../core/event-types.js';
import { settingsHelp } from '../settings.js';

/** What `--help` prints. */
export function usage(): string {
  return `Usage: npm run tail -- [OPTIONS]

Prints the events of the log that EVENT_LOG_URL names, as they come. A request's events are in order; those of different requests may not be.

  --type NAME[,NAME]  only these; heartbeats are shown only if they are asked for. The last part of a name is enough:
${typeNames()}
  --model NAME        only requests for that model
  --tenant NAME       only requests of that tenant
  --request ID        only that request
  --from WHEN         beginning, now, an RFC 3339 time (2026-01-01T09:00:00Z), or how long ago: 30s, 15m, 2h, 1d [now]
                      times are the log's own: when it took the event in
  --once              end when everything that is there is printed; reads from the beginning unless --from says otherwise
  --json              one stored event a line, as it is: CloudEvents in NDJSON, for jq, DuckDB and the like
  --help              this text

--type, --model, --tenant and --request may be given several times: one of the values has to fit.
For a pipe: npm run --silent tail -- --json | jq .data

Settings, from the environment:
${settingsHelp()}`;
}

function typeNames(): string {
  return STREAMED_TYPES.map((type) => `                        ${plainName(type)}`).join('\n');
}
