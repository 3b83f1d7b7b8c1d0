import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../../support/stack.js';

const TINY_BYTES = 2 * 1024 * 1024;

/**
 * A folder that soon is full, for one process: on a disk of its own where this user may mount one, else by a limit on the size of that process's
 * files, which fails a little differently.
 */
export class TinyDisk {
  readonly folder: string;
  readonly kind: 'a disk of its own' | 'a limit on file sizes' | 'none';
  private readonly mountPoint: string;
  private pid = 0;

  constructor() {
    this.mountPoint = temporaryFolder();
    if (run('mount', '-t', 'tmpfs', '-o', `size=${TINY_BYTES}`, 'none', this.mountPoint)) this.kind = 'a disk of its own';
    else this.kind = run('prlimit', '--version') ? 'a limit on file sizes' : 'none';
    this.folder = join(this.mountPoint, 'spool');
    mkdirSync(this.folder);
  }

  /** From now on the disk is tiny for this process. */
  limit(pid: number): void {
    this.pid = pid;
    if (this.kind === 'a limit on file sizes') run('prlimit', '--pid', `${pid}`, `--fsize=${TINY_BYTES}:`);
  }

  /** Somebody has made room. */
  grow(): void {
    if (this.kind === 'a limit on file sizes') run('prlimit', '--pid', `${this.pid}`, '--fsize=unlimited:');
    else run('mount', '-o', 'remount,size=256m', this.mountPoint);
  }

  close(): void {
    if (this.kind === 'a disk of its own') run('umount', '-l', this.mountPoint);
  }
}

function run(command: string, ...args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}
