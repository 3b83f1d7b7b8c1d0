import { accessSync, constants, existsSync, statfsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { FolderFacts } from '../../core/doctor/folder-findings.js';

/** Whether a process of this user could write to `folder`, or make it. Makes nothing. Blocks for a moment. Never throws. */
export function lookAtFolder(path: string): FolderFacts {
  const folder = resolve(path);
  const standing = nearest(folder);
  const state = standing === folder ? 'there' : 'absent';
  try {
    // With the slash, so that a file is not taken for a folder.
    accessSync(`${standing}/`, constants.W_OK | constants.X_OK);
    return { folder, state, reason: undefined, freeBytes: freeAt(standing) };
  } catch (error) {
    return { folder, state: 'blocked', reason: (error as NodeJS.ErrnoException).code ?? 'unknown', freeBytes: undefined };
  }
}

/** The folder itself, or the first one above it that is there. */
function nearest(folder: string): string {
  return existsSync(folder) || dirname(folder) === folder ? folder : nearest(dirname(folder));
}

function freeAt(folder: string): number | undefined {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}
