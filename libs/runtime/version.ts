import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

interface Manifest {
  readonly version: string;
  readonly engines: { readonly node: string };
}

/** `package.json`, found upwards from this file (it runs from the sources and from `dist/`). */
const manifest = readManifest(dirname(fileURLToPath(import.meta.url)));

/** This version of Inferometer. */
export const VERSION: string = manifest.version;
/** The versions of Node that it runs on, such as `>=24.15.0`. */
export const NODE_RANGE: string = manifest.engines.node;

function readManifest(folder: string): Manifest {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
  } catch (error) {
    if (dirname(folder) === folder) throw error;
    return readManifest(dirname(folder));
  }
}
