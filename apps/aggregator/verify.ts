import { verifyCommand } from './in/verify-command.js';

process.exitCode = await verifyCommand(process.argv.slice(2), process.env, {
  out: (text) => console.log(text),
  error: (text) => console.error(text),
});
