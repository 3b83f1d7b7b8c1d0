import { dashboardSettings } from '../dashboard/settings.js';
import { doctorCommand } from './in/doctor-command.js';

process.exitCode = await doctorCommand(process.argv.slice(2), process.env, {
  out: (text) => console.log(text),
  error: (text) => console.error(text),
  isColored: dashboardSettings(process.env).colored ?? process.stdout.isTTY,
});
// A name server or a driver that hangs may hold the process up; what there is to say was said.
setTimeout(() => process.exit(), 1_000).unref();
