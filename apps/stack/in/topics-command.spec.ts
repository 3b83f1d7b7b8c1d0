import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { topicsOf } from '#libs/contracts';
import { openEventLog } from '#libs/event-log';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { topicsCommand, TOPICS_USAGE } from './topics-command.js';

let url: string;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'topics-'));
  url = `file:${folder}/log`;
});
afterEach(() => rmSync(folder, { recursive: true }));

async function run(args: readonly string[] = [], env: Record<string, string> = {}) {
  const written = { out: '', error: '' };
  const terminal = { out: (text: string) => void (written.out += text), error: (text: string) => void (written.error += text) };
  const code = await topicsCommand(args, { EVENT_LOG_URL: url, ...env }, terminal);
  return { code, ...written, states: written.out.split('\n').map((line) => line.split(/ {2,}/).at(-1)) };
}

describe('npm run topics', () => {
  it('creates what is missing, and shows what is there', async () => {
    const first = await run();
    expect({ code: first.code, error: first.error, states: first.states.slice(1) }).toEqual({
      code: 0,
      error: '',
      states: ['created', 'created', 'created', 'created', 'created'],
    });
    expect(first.out).toMatch(/^inferometer\.requests +6 +delete +7 d +all +log +created$/m);
    const second = await run();
    expect(second).toMatchObject({ code: 0, states: ['clock', 'there', 'there', 'there', 'there', 'there'] });
  });

  it('says what is wrong with a topic that exists, creates none, and ends with 2', async () => {
    const log = await openEventLog(url);
    const { requests } = topicsOf('x.');
    await log.ensureTopics([{ ...requests, policy: 'compact' }]);
    await log.close();
    const { code, error, states } = await run([], { EVENT_LOG_TOPIC_PREFIX: 'x.' });
    expect({ code, states: states.slice(1) }).toEqual({ code: 2, states: ['there', 'missing', 'missing', 'missing', 'missing'] });
    expect(error).toMatch(/^topics: topic x\.requests exists with .*compact.*delete is needed/);
  });

  it('ends with 1 where no broker can be reached', async () => {
    const { code, error } = await run([], { EVENT_LOG_URL: 'kafka://127.0.0.1:1' });
    expect(code).toBe(1);
    expect(error).toMatch(/^topics: no broker can be reached/);
  });

  it('explains itself, and refuses what it does not know', async () => {
    expect(await run(['--help'])).toMatchObject({ code: 0, out: TOPICS_USAGE });
    expect(await run(['now'])).toMatchObject({ code: 2, error: TOPICS_USAGE });
    expect(await run([], { EVENT_LOG_URL: 'amqp://h' })).toMatchObject({
      code: 2,
      error: expect.stringContaining('EVENT_LOG_URL') as string,
    });
  });
});
