import { parseArgs } from 'node:util';
import { VERSION, type Environment } from '#libs/runtime';
import { fail, skip, type Finding } from '../core/doctor/finding.js';
import { PROCESSES, type ProcessName } from '../core/doctor/processes.js';
import { exitCodeFor, reportDocument, reportText } from '../core/doctor/report.js';
import { settingsFindings } from '../core/doctor/settings-findings.js';
import { doctorSettings } from '../doctor-settings.js';
import { checksFor, nodeCheck, type Check } from './doctor-checks.js';
import type { Terminal } from './replay-command.js';

export interface DoctorTerminal extends Omit<Terminal, 'draw'> {
  readonly isColored: boolean;
}

export const DOCTOR_USAGE = `Usage: npm run doctor [-- --only PROCESS,…] [--json]

Looks at the settings in the environment and at all that they name, and says what is wrong and how to mend it. It changes nothing.
  --only  looks at these processes alone, each with its own settings as it reads them: ${PROCESSES.join(', ')};
          without it, at all of them as npm start runs them
  --json  prints the findings as JSON

Exit code: 0 if nothing has failed, 1 if something has, 2 for a wrong option.`;

/** Longer than any look takes by itself. */
const DEADLINE_MS = 8_000;

interface Options {
  readonly only: readonly ProcessName[] | undefined;
  readonly json: boolean;
  readonly help: boolean;
}

/** Runs `doctor` and returns its exit code: 0 if nothing has failed, 1 if something has, 2 for a wrong option. Takes some ten seconds at most. */
export async function doctorCommand(args: readonly string[], env: Environment, terminal: DoctorTerminal): Promise<number> {
  const options = optionsIn(args);
  if (options === undefined) {
    terminal.error(DOCTOR_USAGE);
    return 2;
  }
  if (options.help) {
    terminal.out(DOCTOR_USAGE);
    return 0;
  }
  const findings = await examine(env, options.only);
  if (options.json) terminal.out(JSON.stringify({ version: VERSION, ...reportDocument(findings) }, undefined, 2));
  else terminal.out(`Inferometer ${VERSION}\n\n${reportText(findings, terminal.isColored)}`);
  return exitCodeFor(findings);
}

/** Everything at the same time, shown in order. */
async function examine(env: Environment, only: readonly ProcessName[] | undefined): Promise<readonly Finding[]> {
  const { settings, facts } = doctorSettings(env, only);
  const faulty = facts.problems.map(({ name }) => name);
  const checks = settings ? checksFor(settings) : [];
  const found = await Promise.all(checks.map((check) => outcomeOf(check, faulty)));
  return [nodeCheck(), ...settingsFindings(facts), ...found.flat()];
}

async function outcomeOf({ name, needs, look }: Check, faulty: readonly string[]): Promise<readonly Finding[]> {
  const wrong = faulty.find((setting) => needs.test(setting));
  if (wrong !== undefined) return [skip(name, `not looked at: ${wrong} is wrong`)];
  const late = Promise.withResolvers<readonly Finding[]>();
  const timer = setTimeout(
    () => late.resolve([fail(name, `no answer within ${DEADLINE_MS / 1000} s`, 'see what hangs, and ask again')]),
    DEADLINE_MS,
  );
  try {
    return await Promise.race([look(), late.promise]);
  } catch (error) {
    return [fail(name, error instanceof Error ? error.message : String(error), 'mend that, and ask again')];
  } finally {
    clearTimeout(timer);
  }
}

function optionsIn(args: readonly string[]): Options | undefined {
  try {
    const options = { only: { type: 'string' }, json: { type: 'boolean' }, help: { type: 'boolean' } } as const;
    const { only, json = false, help = false } = parseArgs({ args: [...args], options }).values;
    const processes = only?.split(',').map((name) => PROCESSES.find((known) => known === name.trim()));
    if (processes?.includes(undefined)) return undefined;
    return { only: processes?.filter((name) => name !== undefined), json, help };
  } catch {
    return undefined;
  }
}
