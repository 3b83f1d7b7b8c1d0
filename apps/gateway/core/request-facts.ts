import { readFormFields } from './form-fields.js';
import { integerIn, isJsonObject, parseJsonObject, type JsonObject } from './json.js';
import type { Operation } from './operations.js';

/** What must change in `stream_options` so that the upstream tells its usage at the end of the stream. */
export type UsageRequest =
  /** Nothing: no such stream, the client asked by itself, or the edit would alter more than one chunk. */
  | 'none'
  /** The body has no `stream_options`. */
  | 'add_options'
  /** `stream_options` is null. */
  | 'replace_options'
  /** `stream_options` is an object without `include_usage`. */
  | 'add_flag'
  /** `include_usage` is false or null. */
  | 'replace_flag';

/** What the gateway reads from a request body; everything else in it is none of its business. */
export interface RequestFacts {
  /** Cut to 256 characters; empty where the body names none. */
  readonly model: string;
  readonly stream: boolean;
  readonly maxTokens: number | undefined;
  readonly n: number | undefined;
  readonly usageRequest: UsageRequest;
}

/** The facts of a request that could not be read. */
export const NO_FACTS: RequestFacts = { model: '', stream: false, maxTokens: undefined, n: undefined, usageRequest: 'none' };

const MAX_MODEL_LENGTH = 256;
const MAX_TOKENS = 1e9;
const MAX_CHOICES = 1e6;

/** Reads the body once; undefined if it must be a JSON object and is none. */
export function readRequestFacts(body: Buffer, operation: Operation, contentType = ''): RequestFacts | undefined {
  const isForm = operation.reading === 'form' && !contentType.startsWith('application/json');
  return isForm ? formFacts(readFormFields(body, contentType)) : jsonFacts(body.toString(), operation);
}

function formFacts(fields: ReadonlyMap<string, string>): RequestFacts {
  return { ...NO_FACTS, model: (fields.get('model') ?? '').slice(0, MAX_MODEL_LENGTH), stream: fields.get('stream') === 'true' };
}

function jsonFacts(body: string, operation: Operation): RequestFacts | undefined {
  const request = parseJsonObject(body);
  if (!request) return undefined;
  const stream = request['stream'] === true;
  const model = request['model'];
  const maxTokens = request['max_completion_tokens'] ?? request['max_tokens'] ?? request['max_output_tokens'];
  return {
    model: typeof model === 'string' ? model.slice(0, MAX_MODEL_LENGTH) : '',
    stream,
    maxTokens: integerIn(maxTokens, 0, MAX_TOKENS),
    n: integerIn(request['n'], 1, MAX_CHOICES),
    usageRequest: stream && operation.usageOnRequest ? usageRequestOf(request) : 'none',
  };
}

function usageRequestOf(request: JsonObject): UsageRequest {
  if (!Object.hasOwn(request, 'stream_options')) return 'add_options';
  const options = request['stream_options'];
  if (options === null) return 'replace_options';
  // Asked without `include_usage`, `continuous_usage_stats` does nothing; together they put usage into every chunk.
  if (!isJsonObject(options) || options['continuous_usage_stats']) return 'none';
  if (!Object.hasOwn(options, 'include_usage')) return 'add_flag';
  return options['include_usage'] === false || options['include_usage'] === null ? 'replace_flag' : 'none';
}
