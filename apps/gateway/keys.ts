import { keysCommand } from './in/keys-command.js';

process.exitCode = keysCommand(process.argv.slice(2), process.env, {
  out: (text) => console.log(text),
  error: (text) => console.error(text),
});
