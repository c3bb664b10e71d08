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
    testTimeout: 20_000,
    hookTimeout: 60_000,
  },
});
