import { createRequire, syncBuiltinESMExports } from 'node:module';

/**
 * Lets the HTTP instrumentation, which must have been enabled before, patch `node:http` and `node:https` for
 * everybody: those who `require` them and those who `import` them, also those who already have.
 *
 * Loader hooks are not needed for that: the exports of a built-in module are live bindings that Node can bring up to
 * date. Hooks would run for every module of the application, in a thread of their own before Node 22.22 and 24.11.
 * undici and the global `fetch` are instrumented by diagnostics channels, which need no loading order at all.
 */
export function patchBuiltIns(): void {
  const require = createRequire(import.meta.url);
  require('node:http');
  require('node:https');
  syncBuiltinESMExports();
}
