import { replayCommand } from './in/replay-command.js';

process.exitCode = await replayCommand(process.argv.slice(2), process.env, {
  out: (text) => console.log(text),
  error: (text) => console.error(text),
  ...(process.stderr.isTTY ? { draw: (text: string) => void process.stderr.write(text) } : {}),
});
