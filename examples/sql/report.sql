-- Tokens per tenant, latency per model and error rates, from the events in events.ndjson.

-- How each request ended, once, however often its event was delivered. Terminal events tell everything: nothing has to be joined.
CREATE OR REPLACE TEMP VIEW ended AS
SELECT DISTINCT ON (source, id) time, split_part(type, '.', 4) AS outcome, unnest(data)
FROM read_ndjson('events.ndjson', columns = {
  source: 'VARCHAR', id: 'VARCHAR', type: 'VARCHAR', time: 'TIMESTAMP',
  data: 'STRUCT(request_id VARCHAR, model VARCHAR, tenant VARCHAR, stream BOOLEAN, error_type VARCHAR,
                duration_ms DOUBLE, ttft_ms DOUBLE, input_tokens BIGINT, output_tokens BIGINT, usage_source VARCHAR)'})
WHERE type IN ('io.inferometer.request.completed.v1', 'io.inferometer.request.failed.v1', 'io.inferometer.request.cancelled.v1');

-- Unknown tokens are absent, not 0: the last column says how many requests the sums do not know.
SELECT coalesce(tenant, '-') AS tenant, count(*) AS requests, sum(input_tokens)::BIGINT AS input_tokens,
       sum(output_tokens)::BIGINT AS output_tokens, count(*) FILTER (usage_source = 'unknown') AS unknown_usage
FROM ended GROUP BY ALL ORDER BY ALL;

-- Of successful requests, in seconds; the time to the first token is that of streamed ones.
SELECT model, count(*) AS successful,
       round(quantile_disc(duration_ms, 0.5) / 1000, 4) AS latency_p50,
       round(quantile_disc(duration_ms, 0.95) / 1000, 4) AS latency_p95,
       round(quantile_disc(ttft_ms, 0.95) / 1000, 4) AS ttft_p95
FROM ended WHERE outcome = 'completed' GROUP BY ALL ORDER BY ALL;

-- Clients that hung up are no errors: they count neither above nor below the line.
SELECT model, count(*) FILTER (outcome = 'failed') AS failed, count(*) FILTER (outcome = 'cancelled') AS cancelled,
       round(100 * failed / nullif(count(*) FILTER (outcome <> 'cancelled'), 0), 1) AS error_rate_percent,
       mode(error_type) AS most_common_error
FROM ended GROUP BY ALL ORDER BY ALL;
