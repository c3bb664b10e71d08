import { defineConfig } from 'vitest/config';
import { ClosingLine } from './test/closing-line.ts';

const conditions = ['@tallystick/source', 'module', 'node', 'development|production'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: [
      'packages/*/test/**/*.test.ts',
      'sidecar/test/**/*.test.ts',
      'test/**/*.test.ts',
      'examples/*/test/**/*.test.ts',
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
