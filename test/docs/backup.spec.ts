import { spawnSync } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { request } from 'undici';
import { expect, it } from 'vitest';
import { ROOT } from '../support/shared.js';
import { startStackProcess, temporaryFolder, type StackProcess } from '../support/stack.js';
import { waitFor } from '../support/wait.js';
import { MarkdownFile } from './markdown.js';

const PAGE = 'docs/operations.md';
const CHATS = 3;
/** Two starts, on a machine that has other things to do. */
const LIMIT_MS = 90_000;

it(
  `the backup of ${PAGE}, taken while everything runs, is a log to go on from`,
  async () => {
    const commands = new MarkdownFile(PAGE).blocks.filter(({ text }) => text.includes('node:sqlite')).map(({ text }) => text);
    expect(commands).toHaveLength(1);
    const [folder, restored] = [temporaryFolder(), temporaryFolder()];
    const copy = join(temporaryFolder(), 'backup.sqlite');
    const running = await startStackProcess(folder, { TTFT_MS: '5', TOKENS_PER_SECOND: '1000' });
    try {
      for (let index = 0; index < CHATS; index += 1) await chat(running);
      await successful(running, CHATS);
      const command = commands[0]!.replace('data/event-log.sqlite', join(folder, 'event-log.sqlite')).replace('backup.sqlite', copy);
      const { status, stderr } = spawnSync('sh', ['-c', command], { cwd: ROOT, env: { PATH: process.env['PATH'] }, encoding: 'utf8' });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    } finally {
      await running.stop('SIGKILL');
    }
    copyFileSync(copy, join(restored, 'event-log.sqlite'));
    const again = await startStackProcess(restored, { TTFT_MS: '5', TOKENS_PER_SECOND: '1000' });
    try {
      await successful(again, CHATS);
      await chat(again);
      await successful(again, CHATS + 1);
      expect((await again.metrics()).data_quality.reconciled).toBe(true);
    } finally {
      await again.stop();
    }
  },
  LIMIT_MS,
);

async function chat({ gatewayUrl }: StackProcess): Promise<void> {
  const body = JSON.stringify({ model: 'demo-7b', max_tokens: 3, messages: [{ role: 'user', content: 'Hello' }] });
  const answer = await request(`${gatewayUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  expect(answer.statusCode).toBe(200);
  await answer.body.dump();
}

async function successful(stack: StackProcess, count: number): Promise<void> {
  await waitFor(`${count} successful requests`, async () => (await stack.metrics()).requests.successful === count);
}
