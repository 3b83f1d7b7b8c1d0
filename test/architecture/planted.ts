/** A tree that keeps every rule, and one violation of each kind to plant in it. */
export const CLEAN_TREE: Readonly<Record<string, string>> = {
  'libs/contracts/events.ts': `import { Type } from 'typebox';\n\nexport const schema = Type.String();\n`,
  'libs/contracts/index.ts': `export { schema } from './events.js';\n`,
  'libs/sketch/index.ts': `export const buckets = 4096;\n`,
  'libs/exposition/index.ts': `import { gzip } from 'node:zlib';\n\nexport const exposition = gzip;\n`,
  'libs/event-log/event-log.ts': `import { EOL } from 'node:os';\nimport { schema } from '#libs/contracts';\n\nexport const log = [EOL, schema];\n`,
  'libs/event-log/sqlite/reader.ts': `import { log } from '../event-log.js';\n\nexport const reader = log;\n`,
  'libs/event-log/kafka/kafkajs.ts': `import Connection from 'kafkajs/src/network/connection.js';\nimport { log } from '../event-log.js';\n\nexport const kafka = [Connection, log];\n`,
  'libs/runtime/http-app.ts': `import { createHash } from 'node:crypto';\nimport { NestFactory } from '@nestjs/core';\n\nexport const app = [createHash, NestFactory];\n`,
  'libs/process-metrics/process-metrics.ts': `import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';\nimport { exposition } from '#libs/exposition';\nimport { app } from '#libs/runtime';\n\nexport const metrics = [PrometheusExporter, exposition, app];\n`,
  'apps/gateway/core/admission.ts': `import { schema } from '#libs/contracts';\nimport { buckets } from '#libs/sketch';\n\nexport const admission = [schema, buckets, new Date(0)];\n`,
  'apps/gateway/core/sse/lines.ts': `import { admission } from '../admission.js';\n\nexport const lines = admission;\n`,
  'apps/gateway/core/admission.spec.ts': `import { EOL } from 'node:os';\nimport { expect, it } from 'vitest';\nimport { admission } from './admission.js';\n\nit('admits', () => {\n  expect(admission).not.toContain(EOL);\n});\n`,
  'apps/gateway/out/upstream.ts': `import { Pool } from 'undici';\nimport { log } from '#libs/event-log';\nimport { admission } from '../core/admission.js';\nimport { settings } from '../settings.js';\n\nexport const upstream = [Pool, log, admission, settings];\n`,
  'apps/gateway/in/chat.ts': `import { admission } from '../core/admission.js';\nimport { upstream } from '../out/upstream.js';\n\nexport const chat = [admission, upstream];\n`,
  'apps/gateway/settings.ts': `export const settings = {};\n`,
  'apps/gateway/gateway.module.ts': `import { chat } from './in/chat.js';\n\nexport const modules = [chat];\n`,
  'apps/stack/app.ts': `import { modules } from '../gateway/gateway.module.js';\n\nexport const stack = modules;\n`,
};

/** One violation: the file that gets the extra code, what is wrong, and which lint rule sees it (`undefined`: only the walk does). */
export interface Planted {
  readonly what: string;
  readonly path: string;
  readonly code: string;
  readonly rule?: string;
}

const imports = (what: string, path: string, specifier: string, rule: string | undefined = 'eslint(no-restricted-imports)'): Planted => ({
  what,
  path,
  code: `import * as planted from '${specifier}';\n\nexport const used = planted;\n`,
  ...(rule && { rule }),
});
const purity = (path: string, expression: string, rule?: string): Planted => ({
  what: `${path} uses ${expression}`,
  path,
  code: `export const planted = (): unknown => ${expression};\n`,
  ...(rule && { rule }),
});
const CORE = 'apps/gateway/core/planted.ts';
const GLOBALS = 'eslint(no-restricted-globals)';
const PROPERTIES = 'eslint(no-restricted-properties)';

export const PLANTED: readonly Planted[] = [
  imports('contracts import another lib', 'libs/contracts/planted.ts', '#libs/sketch'),
  imports('contracts import node:', 'libs/contracts/planted.ts', 'node:fs'),
  imports('contracts import an app', 'libs/contracts/planted.ts', '../../apps/gateway/settings.js'),
  imports('the sketch imports a package', 'libs/sketch/planted.ts', 'typebox'),
  imports('the sketch imports another lib by its path', 'libs/sketch/planted.ts', '../contracts/index.js'),
  imports('the exposition imports another lib', 'libs/exposition/planted.ts', '#libs/contracts'),
  imports('the exposition imports an SDK', 'libs/exposition/planted.ts', '@opentelemetry/api'),
  imports('the event log imports another lib', 'libs/event-log/planted.ts', '#libs/runtime'),
  imports('the event log imports contracts by their path', 'libs/event-log/sqlite/planted.ts', '../../contracts/index.js'),
  imports('the event log imports an app', 'libs/event-log/planted.ts', '../../apps/gateway/settings.js'),
  imports('the event log imports Nest outside of its module file', 'libs/event-log/planted.ts', '@nestjs/common'),
  imports('the event log imports kafkajs outside of its adapter', 'libs/event-log/planted.ts', 'kafkajs'),
  imports(
    'the Kafka adapter imports kafkajs outside of its window to it',
    'libs/event-log/kafka/planted.ts',
    'kafkajs/src/cluster/index.js',
  ),
  imports('the runtime imports another lib', 'libs/runtime/planted.ts', '#libs/contracts'),
  imports('the runtime imports an SDK', 'libs/runtime/planted.ts', 'undici'),
  imports('the metrics of a process import another lib', 'libs/process-metrics/planted.ts', '#libs/event-log'),
  imports('the metrics of a process import an SDK', 'libs/process-metrics/planted.ts', 'undici'),
  imports('the spec of a lib imports an app', 'libs/runtime/planted.spec.ts', '../../apps/gateway/settings.js'),
  imports('the spec of a lib imports another lib by its path', 'libs/runtime/planted.spec.ts', '../sketch/index.js'),
  imports('core imports Nest', CORE, '@nestjs/common'),
  imports('core imports OpenTelemetry', CORE, '@opentelemetry/api'),
  imports('core imports Kafka', CORE, 'kafkajs'),
  imports('core imports node:', CORE, 'node:crypto'),
  imports('core imports undici', CORE, 'undici'),
  imports('core imports fastify', CORE, 'fastify'),
  imports('core imports the runtime', CORE, '#libs/runtime'),
  imports('core imports the event log', CORE, '#libs/event-log'),
  imports('core imports out', CORE, '../out/upstream.js'),
  imports('core imports in, from a folder deeper', 'apps/gateway/core/sse/planted.ts', '../../in/chat.js'),
  imports('core imports the settings', CORE, '../settings.js'),
  imports('core imports another app', CORE, '../../stack/app.js'),
  {
    what: 'core imports by import()',
    path: CORE,
    code: `export const load = () => import('node:fs');\n`,
    rule: 'eslint(no-restricted-imports)',
  },
  { what: 'core exports from a package', path: CORE, code: `export { Pool } from 'undici';\n`, rule: 'eslint(no-restricted-imports)' },
  { what: 'core names a type by import()', path: CORE, code: `export type Stats = import('node:fs').Stats;\n` },
  { what: 'core imports what it computes', path: CORE, code: `export const load = (name: string) => import(name);\n` },
  imports('the spec of core imports Nest', 'apps/gateway/core/planted.spec.ts', '@nestjs/common'),
  imports('the spec of core imports out', 'apps/gateway/core/planted.spec.ts', '../out/upstream.js'),
  imports('the spec of core imports an SDK', 'apps/gateway/core/planted.spec.ts', 'undici'),
  imports('out imports in', 'apps/gateway/out/planted.ts', '../in/chat.js'),
  imports('out imports a module', 'apps/gateway/out/planted.ts', '../gateway.module.js'),
  imports('in imports a module', 'apps/gateway/in/planted.ts', '../gateway.module.js'),
  imports('in imports another app', 'apps/gateway/in/planted.ts', '../../stack/app.js'),
  imports('out imports another app', 'apps/gateway/out/planted.ts', '../../stack/app.js'),
  imports('an app imports another app', 'apps/gateway/planted.ts', '../stack/app.js'),
  imports('a room of the stack imports another app', 'apps/stack/out/planted.ts', '../../gateway/settings.js'),
  imports('an app imports a lib by its path', 'apps/gateway/out/planted.ts', '../../../libs/sketch/index.js'),
  imports('the stack imports a lib by its path', 'apps/stack/planted.ts', '../../libs/sketch/index.js'),
  imports('an app imports the file of a lib', 'apps/gateway/out/planted.ts', '#libs/sketch/bins', ''),
  imports('production code imports a test package', 'apps/gateway/out/planted.ts', 'vitest', ''),
  imports('a package that is not installed by name', 'apps/gateway/out/planted.ts', 'left-pad', ''),
  imports('a relative import without .js', 'apps/gateway/out/planted.ts', '../settings', ''),
  { what: 'export *', path: 'apps/gateway/out/planted.ts', code: `export * from './upstream.js';\n` },
  purity(CORE, 'process.pid', GLOBALS),
  purity(CORE, 'performance.now()', GLOBALS),
  purity(CORE, 'setTimeout(String, 1)', GLOBALS),
  purity(CORE, 'globalThis', GLOBALS),
  purity(CORE, 'Date.now()', PROPERTIES),
  purity(CORE, 'Math.random()', PROPERTIES),
  purity(CORE, 'new Date()'),
  purity('libs/sketch/planted.ts', 'Date.now()'),
  purity('libs/contracts/planted.ts', 'process.pid'),
  {
    what: 'core wears a decorator',
    path: CORE,
    code: `import { schema } from '#libs/contracts';\n\n@(schema as never)\nexport class Planted {\n  readonly one = 1;\n}\n`,
  },
];
