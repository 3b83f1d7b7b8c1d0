import { runMain, type RunningApp } from './lifecycle.js';
import { StartError, type SettingsReader } from './settings.js';

const MODES = ['serve', 'slow-start', 'hang', 'die', 'die-mendable', 'bad-drain', 'bug', 'mendable'] as const;
type Mode = (typeof MODES)[number];

function settings(read: SettingsReader): { mode: Mode; logLevel: 'info' } {
  const mode = read.oneOf('MODE', MODES, 'serve', 'what it does');
  // Required, to see that --help and the list of mistakes do not stumble over it; only a wrong MODE goes without.
  const upstream = MODES.includes(process.env['MODE'] as Mode) ? '' : read.url('UPSTREAM_URL', 'http://h', 'an address');
  return read.finish({ mode, upstream, logLevel: 'info' });
}

async function start({ mode }: { mode: Mode }): Promise<RunningApp> {
  if (mode === 'bug') throw new TypeError('a bug');
  if (mode === 'mendable') throw new StartError('port 80 is in use');
  const alive = setInterval(() => {}, 1000);
  if (mode === 'slow-start') {
    console.log('starting');
    await new Promise((resolve) => process.once('SIGTERM', resolve));
  }
  console.log('started');
  return {
    ...(mode === 'die' && { failed: Promise.resolve(new Error('the log is gone')) }),
    ...(mode === 'die-mendable' && { failed: Promise.resolve(new StartError('the password is wrong')) }),
    drain: async () => {
      console.log('draining');
      if (mode === 'hang') await new Promise(() => {});
      if (mode === 'bad-drain') throw new Error('cannot flush');
      clearInterval(alive);
      console.log('drained');
    },
  };
}

await runMain({ name: 'fixture', about: 'a process for tests', settings, start });
