import { topicsCommand } from './in/topics-command.js';

process.exitCode = await topicsCommand(process.argv.slice(2), process.env, {
  out: (text) => console.log(text),
  error: (text) => console.error(text),
});
