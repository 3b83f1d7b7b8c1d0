// `node --import ./tools/run-sources.js FILE.ts`: lets Node run our TypeScript as it stands (erasable syntax only), for child processes and threads of tests.
import { registerHooks } from 'node:module';

const root = new URL('..', import.meta.url);

registerHooks({
  resolve(specifier, context, nextResolve) {
    const lib = /^#libs\/(.+)$/.exec(specifier);
    if (lib) return nextResolve(new URL(`libs/${lib[1]}/index.ts`, root).href, context);
    const ours = specifier.startsWith('.') && context.parentURL?.endsWith('.ts');
    return nextResolve(ours ? specifier.replace(/\.js$/, '.ts') : specifier, context);
  },
});
