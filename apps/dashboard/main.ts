import { parseArguments, type Options } from './core/arguments.js';
import type { View } from './core/layout.js';
import type { Messages } from './core/messages.js';
import { CHINESE } from './core/messages-zh.js';
import { ENGLISH } from './core/messages-en.js';
import { neutralise } from './core/neutralise.js';
import { runOnce } from './in/once.js';
import { runSession } from './in/session.js';
import { MetricsClient } from './out/metrics-client.js';
import { TerminalScreen, TextScreen } from './out/screen.js';
import { dashboardSettings, type DashboardSettings } from './settings.js';

process.exitCode = await main();

async function main(): Promise<number> {
  const settings = dashboardSettings(process.env);
  const words = settings.locale === 'zh' ? CHINESE : ENGLISH;
  if (settings.locale === undefined) return refuse(words.badLocale);
  const command = parseArguments(process.argv.slice(2));
  if (command.kind === 'mistake') return refuse(words.mistakes[command.mistake.kind](command.mistake.argument));
  if (command.kind === 'run') return await run(command.options, settings, words);
  console.log(words.help);
  return 0;
}

function refuse(message: string): number {
  console.error(`dashboard: ${neutralise(message)}`);
  return 2;
}

async function run(options: Options, settings: DashboardSettings, words: Messages): Promise<number> {
  const { stdout, stderr, stdin } = process;
  const { url, window } = options;
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    // The reader of the pipe has seen enough, or the terminal is gone.
    if (error.code === 'EPIPE' || error.code === 'EIO') process.exit(0);
    throw error;
  });
  const canMove = stdout.isTTY && settings.canMove;
  const colored = settings.colored ?? canMove;
  const isLive = canMove && !options.once;
  const view: Omit<View, 'connection'> = {
    url,
    window,
    words,
    hasToken: settings.apiToken !== undefined,
    hasKeys: isLive && stdin.isTTY,
  };
  const screen = isLive ? new TerminalScreen(stdout, colored) : new TextScreen(stdout, { colored, positioned: canMove });
  const client = new MetricsClient(url, window, settings.apiToken);
  try {
    if (options.once) return await runOnce({ view, json: options.json }, client, screen, stdout, stderr);
    await runSession({ view, intervalMs: options.intervalMs }, client, screen);
    return 0;
  } finally {
    await client.close();
  }
}
