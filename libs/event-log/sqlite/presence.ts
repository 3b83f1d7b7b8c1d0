import { randomUUID } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/**
 * Tells living processes from dead ones: each holds the lock of a small file of its own, which the kernel takes away at any death, SIGKILL included.
 * Unlike a pid, which a restarted container gets again, and unlike a heartbeat, it is neither mistaken nor late.
 */
export class Presence {
  /** Names this opening of the log. */
  readonly id = randomUUID();
  private readonly folder: string;
  private held: DatabaseSync | undefined;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Takes the lock, once. */
  announce(): void {
    if (this.held) return;
    const db = new DatabaseSync(this.pathOf(this.id), { timeout: 0 });
    db.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    this.held = db;
  }

  /** True while the process that announced itself as `id` lives. What a dead one left behind is removed. */
  isAlive(id: string): boolean {
    if (id === this.id) return true;
    const path = this.pathOf(id);
    if (!existsSync(path)) return false;
    const db = new DatabaseSync(path, { timeout: 0 });
    try {
      db.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    } catch {
      return true;
    } finally {
      db.close();
    }
    rmSync(path, { force: true });
    return false;
  }

  close(): void {
    if (!this.held) return;
    this.held.close();
    this.held = undefined;
    rmSync(this.pathOf(this.id), { force: true });
  }

  private pathOf(id: string): string {
    return join(this.folder, `process-${id}.lock`);
  }
}
