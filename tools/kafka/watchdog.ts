import { spawn, type ChildProcess } from 'node:child_process';

/** Reads process ids, one a line, until its input ends, which it does with whoever holds the other end; then ends the last one. */
const SCRIPT = 'pid=; while read -r line; do pid=$line; done; [ -z "$pid" ] || kill -s "$0" "$pid"; [ -z "$1" ] || rm -rf "$1"';

/** A tiny process that ends another one when this process is gone, however it went. */
export class Watchdog {
  private readonly shell: ChildProcess;
  private readonly gone: Promise<unknown>;

  /** `removes`: a folder that goes too, also when the watchdog is dismissed. */
  constructor({ signal, removes = '' }: { readonly signal: 'KILL' | 'TERM'; readonly removes?: string }) {
    this.shell = spawn('sh', ['-c', SCRIPT, signal, removes], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
    this.gone = new Promise((resolve) => this.shell.once('exit', resolve));
    // It never keeps this process alive, nor fails it.
    this.shell.unref();
    this.shell.stdin?.on('error', () => {});
    (this.shell.stdin as unknown as { unref?: () => void }).unref?.();
  }

  /** From now on it is this process, and no longer an earlier one. */
  watch(pid: number): void {
    this.shell.stdin?.write(`${pid}\n`);
  }

  /** The watched process has ended. */
  async dismiss(): Promise<void> {
    this.shell.ref();
    this.shell.stdin?.end('\n');
    await this.gone;
  }
}
