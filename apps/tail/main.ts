import { tailCommand } from './in/tail-command.js';
import { Output } from './out/output.js';
import { wantsColors } from './settings.js';

const { stdout, stderr } = process;
const stopping = new AbortController();

for (const stream of [stdout, stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // The reader of the pipe has seen enough, or the terminal is gone.
    if (error.code === 'EPIPE' || error.code === 'EIO') process.exit(0);
    throw error;
  });
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (stopping.signal.aborted) process.exit(1);
    stopping.abort();
  });
}

const output = new Output(stdout);
const terminal = {
  print: (text: string, stop: AbortSignal) => output.write(text, stop),
  say: (line: string) => void stderr.write(`${line}\n`),
  colored: stdout.isTTY && wantsColors(process.env),
};
process.exitCode = await tailCommand(process.argv.slice(2), process.env, terminal, stopping.signal);
// Otherwise what was written has to get out before the process ends by itself.
if (stopping.signal.aborted) process.exit();
