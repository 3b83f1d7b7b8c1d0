import { findMember, skipWhitespace, type Span } from './json-members.js';
import type { UsageRequest } from './request-facts.js';

const FLAG = '"include_usage":true';
const CLOSE_BRACE = 0x7d;

/**
 * The body with `stream_options.include_usage` set, by an edit of its bytes: everything outside the edit stays as the client wrote it
 * (number spellings, key order, duplicate keys, whitespace). `body` must be the JSON object that `usageRequest` was read from.
 */
export function askForUsage(body: Buffer, usageRequest: UsageRequest): Buffer {
  if (usageRequest === 'none') return body;
  const open = skipWhitespace(body, 0);
  if (usageRequest === 'add_options') return insertMember(body, open, `"stream_options":{${FLAG}}`);
  const options = findMember(body, open, 'stream_options');
  if (!options) return body;
  if (usageRequest === 'replace_options') return splice(body, options, `{${FLAG}}`);
  if (usageRequest === 'add_flag') return insertMember(body, options.start, FLAG);
  const flag = findMember(body, options.start, 'include_usage');
  return flag ? splice(body, flag, 'true') : body;
}

/** Puts `member` first into the object whose `{` stands at `open`. */
function insertMember(body: Buffer, open: number, member: string): Buffer {
  const isEmpty = body[skipWhitespace(body, open + 1)] === CLOSE_BRACE;
  return splice(body, { start: open + 1, end: open + 1 }, isEmpty ? member : `${member},`);
}

function splice(body: Buffer, { start, end }: Span, text: string): Buffer {
  return Buffer.concat([body.subarray(0, start), Buffer.from(text), body.subarray(end)]);
}
