import { dirname, join } from 'node:path/posix';
import { COMPUTED, type SourceFile } from './source-files.js';

/** The packages of package.json: what runs in production, and what only tests and tools may use. */
export interface Packages {
  readonly production: ReadonlySet<string>;
  readonly development: ReadonlySet<string>;
}

/** Where a file stands: in a lib, in a room of an app, or beside an app's rooms. */
interface Place {
  readonly kind: 'lib' | 'room' | 'root' | 'elsewhere';
  /** The lib's or the app's name. */
  readonly owner: string;
  readonly room: string;
}

/** One row of the table "Who may import whom". Packages are names, or prefixes that end in `:` or `/`. */
interface Row {
  readonly packages: readonly string[] | 'any';
  readonly libs: readonly string[] | 'any';
  /** Whether it may import the file at `target`, its own lib or app being given. */
  readonly mayImport: (target: Place, targetPath: string) => boolean;
}

const PURE = /^(libs\/(contracts|sketch)|apps\/[^/]+\/core)\//;
const SPEC = /\.(spec|contract|fixture)\.ts$/;
const TEST_PACKAGES = ['node:', 'vitest', 'fast-check'];
const TEST_SUPPORT = /^test\/support\//;
const COMPOSING = /\/(app|main|[a-z-]+\.module)\.ts$/;

const own = (lib: string) => (target: Place) => target.kind === 'lib' && target.owner === lib;
const LIB_ROWS: Readonly<Record<string, Row>> = {
  contracts: { packages: ['typebox', 'typebox/'], libs: [], mayImport: own('contracts') },
  sketch: { packages: [], libs: [], mayImport: own('sketch') },
  exposition: { packages: ['node:'], libs: [], mayImport: own('exposition') },
  'event-log': { packages: ['node:'], libs: ['contracts'], mayImport: own('event-log') },
  runtime: { packages: ['node:', '@nestjs/'], libs: [], mayImport: own('runtime') },
  'process-metrics': {
    packages: ['node:', '@nestjs/', '@opentelemetry/'],
    libs: ['exposition', 'runtime'],
    mayImport: own('process-metrics'),
  },
};
/** Part of a lib, for whoever must not load all of it. */
const SECOND_ENTRIES: ReadonlyMap<string, string> = new Map([['#libs/contracts/writing', '#libs/contracts']]);
/** The one file of an adapter, and a core's one window to a package that is a pure function. */
const ONE_FILE_ROWS: Readonly<Record<string, Partial<Row>>> = {
  'libs/event-log/kafka/kafkajs.ts': { packages: ['node:', 'kafkajs/'] },
  'apps/dashboard/core/width.ts': { packages: ['string-width'] },
};

/** What is wrong with the file by the table of architecture.md, one line each: `file:line what`. */
export function faultsOf(file: SourceFile, packages: Packages): string[] {
  const impure = PURE.test(file.path) && !SPEC.test(file.path) ? file.impurities : [];
  return [
    ...file.imports.flatMap(({ what, line }) => {
      const fault = importFault(file.path, what, packages);
      return fault === undefined ? [] : [`${file.path}:${line} ${fault}`];
    }),
    ...impure.map(({ what, line }) => `${file.path}:${line} uses ${what}: pure code gets time, randomness and I/O as arguments`),
    ...file.starExports.map(({ line }) => `${file.path}:${line} export *: name what a file offers`),
  ];
}

function importFault(path: string, specifier: string, packages: Packages): string | undefined {
  const row = rowOf(path);
  if (specifier.startsWith('.')) return fileFault(path, specifier, row);
  if (specifier.startsWith('#')) {
    const lib = /^#libs\/([^/]+)$/.exec(SECOND_ENTRIES.get(specifier) ?? specifier)?.[1];
    if (lib === undefined) return `imports ${specifier}: libs are imported as #libs/<name>`;
    if (lib === placeOf(path).owner && path.startsWith('libs/')) return `imports its own index ${specifier}: import the file`;
    return row.libs === 'any' || row.libs.includes(lib) ? undefined : `imports the lib ${lib}, which it may not`;
  }
  return packageFault(path, specifier, row, packages);
}

function fileFault(path: string, specifier: string, row: Row): string | undefined {
  if (!specifier.endsWith('.js')) return `imports ${specifier} without its .js ending`;
  const target = join(dirname(path), specifier).replace(/\.js$/, '.ts');
  const place = placeOf(target);
  if (place.kind === 'lib' && placeOf(path).kind !== 'lib') return `imports ${specifier}: libs are imported as #libs/<name>`;
  if (SPEC.test(path) && TEST_SUPPORT.test(target)) return undefined;
  return row.mayImport(place, target) ? undefined : `imports ${target}, which it may not`;
}

function packageFault(path: string, specifier: string, row: Row, packages: Packages): string | undefined {
  const isSpec = SPEC.test(path);
  const allowed = row.packages === 'any' || [...row.packages, ...(isSpec ? TEST_PACKAGES : [])].some((name) => fits(specifier, name));
  if (!allowed) return `imports ${specifier}, which it may not`;
  const name = /^(@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier;
  if (specifier.startsWith('node:') || specifier === COMPUTED || packages.production.has(name)) return undefined;
  if (!packages.development.has(name)) return `imports ${name}, which package.json does not name`;
  return isSpec || placeOf(path).kind === 'elsewhere' ? undefined : `imports ${name}, which is only installed for development`;
}

function fits(specifier: string, name: string): boolean {
  return /[:/]$/.test(name) ? specifier.startsWith(name) : specifier === name;
}

function placeOf(path: string): Place {
  const [top = '', owner = '', room = '', ...rest] = path.split('/');
  if (top === 'libs') return { kind: 'lib', owner, room: '' };
  if (top !== 'apps') return { kind: 'elsewhere', owner: '', room: '' };
  return rest.length > 0 ? { kind: 'room', owner, room } : { kind: 'root', owner, room: '' };
}

function rowOf(path: string): Row {
  return { ...rowOfPlace(placeOf(path)), ...ONE_FILE_ROWS[path] };
}

/** A lib that the table does not know may import nothing. */
function rowOfPlace({ kind, owner, room }: Place): Row {
  if (kind === 'lib') return LIB_ROWS[owner] ?? { packages: [], libs: [], mayImport: own(owner) };
  if (kind === 'elsewhere') return { packages: 'any', libs: 'any', mayImport: () => true };
  const inApp = (target: Place) => (target.kind === 'room' || target.kind === 'root') && target.owner === owner;
  if (kind === 'root') {
    const composes = owner === 'stack' ? (target: Place) => target.kind === 'root' || target.kind === 'room' : inApp;
    return { packages: 'any', libs: 'any', mayImport: composes };
  }
  if (room === 'core') {
    return { packages: [], libs: ['contracts', 'sketch'], mayImport: (target) => inApp(target) && target.room === 'core' };
  }
  return {
    packages: 'any',
    libs: 'any',
    mayImport: (target, targetPath) => inApp(target) && !COMPOSING.test(targetPath) && !(room === 'out' && target.room === 'in'),
  };
}
