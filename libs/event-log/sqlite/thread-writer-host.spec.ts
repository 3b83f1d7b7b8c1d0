import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EventLogError, EventLogOpenError } from '../event-log.js';
import { DATABASE_FILE, openFolder } from './database.js';
import { ThreadWriterHost } from './thread-writer-host.js';

describe("the writer's thread", () => {
  let folder: string;
  let host: ThreadWriterHost;
  const topics = [{ name: 't', partitions: 1, policy: 'delete' as const }];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'event-log-'));
    openFolder(folder, 0).close();
    host = new ThreadWriterHost({ path: join(folder, DATABASE_FILE), busyMs: 0 });
  });
  afterEach(async () => {
    await host.close();
    rmSync(folder, { recursive: true });
  });

  it('hands over results and every kind of error', async () => {
    await host.call('createTopics', [topics]);
    expect(await host.call('maintain', [0])).toBe(false);
    await expect(host.call('createTopics', [[{ ...topics[0]!, policy: 'compact' }]])).rejects.toThrow(EventLogOpenError);
    await expect(host.call('balance', ['nobody'])).rejects.toThrow(EventLogError);
    const away = new ThreadWriterHost({ path: join(folder, 'no', 'such'), busyMs: 0 });
    const failure: unknown = await away.call('maintain', [0]).catch((error: unknown) => error);
    expect(failure).not.toBeInstanceOf(EventLogError);
    expect(String(failure)).toContain('cannot be opened');
    await away.close();
  });

  it('that dies fails the calls in hand, for now, and is started again', async () => {
    await host.call('createTopics', [topics]);
    const { worker } = host as unknown as { worker: Worker };
    const calls = [host.call('maintain', [0]), host.call('maintain', [0])];
    await Promise.all([worker.terminate(), ...calls.map((call) => expect(call).rejects.toThrow("the event log's writer has stopped"))]);
    expect(await host.call('maintain', [0])).toBe(false);
  });

  it('once closed is not started again, and closing survives its death', async () => {
    await host.call('createTopics', [topics]);
    const { worker } = host as unknown as { worker: Worker };
    await Promise.all([worker.terminate(), host.close()]);
    await expect(host.call('maintain', [0])).rejects.toThrow(EventLogError);
    expect((host as unknown as { worker?: Worker }).worker).toBeUndefined();
  });
});
