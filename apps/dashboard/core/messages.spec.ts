import { describe, expect, it } from 'vitest';
import { ENGLISH } from './messages-en.js';
import { CHINESE } from './messages-zh.js';
import { describeProblem } from './messages.js';
import { problemOf } from './problem.js';

describe('describeProblem', () => {
  it.each([
    ['ECONNREFUSED', 'connection refused', '连接被拒绝'],
    ['ENOTFOUND', 'host not found', '找不到主机'],
    ['UND_ERR_HEADERS_TIMEOUT', 'no answer in time', '响应超时'],
    ['UND_ERR_SOCKET', 'connection cut', '连接中断'],
    ['HTTPParserError', 'the answer is not HTTP', '响应不是 HTTP'],
    ['EHOSTUNREACH', 'cannot connect (EHOSTUNREACH)', '无法连接 (EHOSTUNREACH)'],
    ['constructor', 'cannot connect (constructor)', '无法连接 (constructor)'],
  ])('has words for %s', (code, english, chinese) => {
    expect(describeProblem(ENGLISH, problemOf(code), false)).toBe(english);
    expect(describeProblem(CHINESE, problemOf(code), false)).toBe(chinese);
  });

  it.each([
    [401, false, '401: set API_TOKEN'],
    [401, true, '401: API_TOKEN is not accepted'],
    [404, false, '404: no metrics API at this address'],
    [503, false, 'the server answered 503'],
  ])('explains a %i (token: %s)', (status, hasToken, expected) => {
    expect(describeProblem(ENGLISH, { kind: 'status', status }, hasToken)).toBe(expected);
  });

  it('names the field that is missing', () => {
    const words = describeProblem(ENGLISH, { kind: 'bad_field', path: 'slo.ttft.p95' }, false);
    expect(words).toBe('not a metrics document: slo.ttft.p95 is missing or wrong');
  });
});
