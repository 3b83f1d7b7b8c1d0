/** What may happen to a running dashboard from outside. */
export interface SignalHandlers {
  readonly quit: () => void;
  /** The process runs again after it was stopped. */
  readonly resume: () => void;
  readonly resize: () => void;
  /** The last moment before the process ends; after an uncaught error, before that is printed. Must not wait. */
  readonly ending: () => void;
}

/** Listens until the function that it returns is called. A second signal to quit forces an end. */
export function onSignals(handlers: SignalHandlers): () => void {
  let asked = false;
  const quit = () => {
    if (asked) process.exit(1);
    asked = true;
    handlers.quit();
  };
  const ends = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of ends) process.on(signal, quit);
  process.on('SIGCONT', handlers.resume);
  process.on('exit', handlers.ending);
  process.stdout.on('resize', handlers.resize);
  return () => {
    for (const signal of ends) process.off(signal, quit);
    process.off('SIGCONT', handlers.resume);
    process.off('exit', handlers.ending);
    process.stdout.off('resize', handlers.resize);
  };
}
