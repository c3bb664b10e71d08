import { fileURLToPath } from 'node:url';
import { configDefaults, defineConfig } from 'vitest/config';
import { ClosingLine } from './test/closing-line.ts';

const conditions = ['@tallystick/source', 'module', 'node', 'development|production'];

const OF_PACKAGES = ['{packages/*,sidecar}/test/**/*.test.ts'];
/** They start processes by the hundred. */
const OF_THE_WHOLE = ['{test,examples/*/test}/**/*.test.ts'];
/**
 * Suites that change nothing of the process that they run in, nor of what it calls global: their files share workers, and
 * load what they test once.
 */
const SHARING = ['packages/{audit,core,dpop,protocol}/test/**/*.test.ts', 'sidecar/test/!(observe)/**/*.test.ts'];

// Hundreds of programs are started from their sources: they share what Node makes of those, as does every later run.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('node_modules/.cache/compile', import.meta.url));

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    projects: [
      { extends: true, test: { name: 'sharing', include: SHARING, isolate: false } },
      {
        extends: true,
        test: { name: 'alone', include: OF_PACKAGES, exclude: [...configDefaults.exclude, ...SHARING] },
      },
      { extends: true, test: { name: 'whole', include: OF_THE_WHOLE, globalSetup: 'test/daemon/bundle-first.ts' } },
    ],
    reporters: ['default', new ClosingLine()],
    // By itself it leaves one core alone: on two, files would run one by one, and many wait for processes and timers.
    maxWorkers: '100%',
    // Many tests run real processes, two files at a time, on two cores: what another one's load upset is tried again.
    retry: process.env.CI ? 2 : 0,
    testTimeout: 20_000,
    hookTimeout: 60_000,
  },
});
