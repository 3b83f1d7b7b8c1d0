import type { MetricsClient } from '../out/metrics-client.js';
import type { Screen } from '../out/screen.js';
import { Keys, type KeyCommand } from './keys.js';
import { Live, type LiveOptions } from './live.js';
import { onSignals } from './signals.js';

/**
 * Holds the terminal from start to end: keys, signals, resizing, suspending. Resolves when the user has had enough
 * (`q`, Ctrl-C, SIGINT, SIGTERM, SIGHUP). However the process ends, short of SIGKILL, the terminal is given back as it was.
 */
export async function runSession(options: LiveOptions, client: MetricsClient, screen: Screen): Promise<void> {
  const stop = new AbortController();
  const live = new Live(options, client, screen);
  const hold = new Hold(screen, live, options.view.hasKeys, () => stop.abort());
  const ignoreSignals = onSignals({
    quit: () => stop.abort(),
    resume: () => hold.retake(),
    resize: () => live.draw(),
    ending: () => hold.release(),
  });
  hold.take();
  try {
    await live.run(stop.signal);
  } finally {
    hold.release();
    ignoreSignals();
  }
}

/** The terminal's two halves, taken and given back together. */
class Hold {
  private readonly keys: Keys | undefined;

  constructor(
    private readonly screen: Screen,
    private readonly live: Live,
    hasKeys: boolean,
    private readonly quit: () => void,
  ) {
    this.keys = hasKeys ? new Keys(process.stdin, (command) => this.obey(command)) : undefined;
  }

  take(): void {
    this.screen.open();
    this.keys?.open();
  }

  release(): void {
    this.screen.close();
    this.keys?.close();
  }

  retake(): void {
    if (!this.screen.replaces) return;
    this.release();
    this.take();
    this.live.draw();
  }

  private obey(command: KeyCommand): void {
    if (command === 'quit') this.quit();
    else if (command === 'suspend') this.suspend();
    else this.retake();
  }

  /** Stops the whole process group, as a terminal in its usual mode would: npm stands between us and the shell. */
  private suspend(): void {
    this.release();
    process.kill(0, 'SIGTSTP');
    // Where there is no job control the signal does nothing; else this runs when the job is continued.
    setImmediate(() => this.retake());
  }
}
