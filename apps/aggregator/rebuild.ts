import { rebuildCommand } from './in/rebuild-command.js';

process.exitCode = await rebuildCommand(process.argv.slice(2), process.env, {
  out: (text) => console.log(text),
  error: (text) => console.error(text),
});
