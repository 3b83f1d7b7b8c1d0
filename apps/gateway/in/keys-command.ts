import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Environment } from '#libs/runtime';
import { KEY_NAME, parseKeyFile, withKey, withoutKeysOf, type KeyEntry } from '../core/key-file.js';
import { digestOf } from '../out/api-keys.js';

/** Where a command writes. */
export interface Terminal {
  out(text: string): void;
  error(text: string): void;
}

export const KEYS_USAGE = `Usage: npm run keys -- add NAME | list | remove NAME

Keeps the file of API keys that GATEWAY_API_KEYS_FILE names. "add" prints a new key, once: the file holds its digest alone. NAME is the
tenant of whoever uses the key, and may have several. "remove" takes all keys of NAME back. A running gateway sees the change by itself.`;

const SHOWN_DIGITS = 8;

/** Runs `keys` and returns its exit code. */
export function keysCommand(args: readonly string[], env: Environment, terminal: Terminal): number {
  const [action, name, ...rest] = args;
  const file = env['GATEWAY_API_KEYS_FILE'];
  const isUnderstood = (action === 'list' && name === undefined) || ((action === 'add' || action === 'remove') && name !== undefined);
  if (action === '--help') return say(terminal, KEYS_USAGE);
  if (!isUnderstood || rest.length > 0) return refuse(terminal, KEYS_USAGE);
  if (!file) return refuse(terminal, 'set GATEWAY_API_KEYS_FILE to the file that holds the keys');
  try {
    const text = readIfThere(file);
    const entries = parseKeyFile(text);
    if ('faultyLine' in entries) return refuse(terminal, `${file}: line ${entries.faultyLine} is not "DIGEST NAME"`);
    if (name === undefined) return say(terminal, ...entries.map((entry) => `${entry.digest.slice(0, SHOWN_DIGITS)}…  ${entry.name}`));
    return action === 'add' ? add(file, text, name, terminal) : remove(file, text, name, entries, terminal);
  } catch (error) {
    return refuse(terminal, `${file}: ${(error as Error).message}`);
  }
}

function add(file: string, text: string, name: string, terminal: Terminal): number {
  if (!KEY_NAME.test(name)) return refuse(terminal, 'NAME may have 1 to 128 printable ASCII characters, and no space');
  const key = `ik-${randomBytes(32).toString('base64url')}`;
  write(file, withKey(text, { digest: digestOf(key), name }));
  return say(terminal, key);
}

function remove(file: string, text: string, name: string, entries: readonly KeyEntry[], terminal: Terminal): number {
  const count = entries.filter((entry) => entry.name === name).length;
  if (count === 0) return refuse(terminal, `${name} has no key`);
  write(file, withoutKeysOf(text, name));
  return say(terminal, `${count} ${count === 1 ? 'key' : 'keys'} of ${name} removed`);
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return '';
  }
}

/** In one step, so that a gateway never reads half a file. Who may read it stays as it was; a new one is the user's alone. */
function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}.tmp`;
  writeFileSync(draft, text, { mode: statSync(file, { throwIfNoEntry: false })?.mode ?? 0o600 });
  renameSync(draft, file);
}

function say(terminal: Terminal, ...lines: readonly string[]): number {
  for (const line of lines) terminal.out(line);
  return 0;
}

function refuse(terminal: Terminal, message: string): number {
  terminal.error(message);
  return 2;
}
