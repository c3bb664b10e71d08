import { describe, test } from 'vitest';
import { findServer, type ServerName } from './find.ts';

/** Returns the path of the server's binary, or throws what to do about its absence. */
export function requireServer(name: ServerName): string {
  const binary = findServer(name);
  if (!binary) throw new Error(missing(name));
  return binary;
}

/**
 * A suite that needs servers written by other people. Where one is missing, the suite fails in CI, and is skipped
 * elsewhere with a line that says what was not tested.
 */
export function describeWithServers(names: readonly ServerName[], title: string, suite: () => void): void {
  const absent = names.filter((name) => !findServer(name));
  if (absent.length === 0) {
    describe(title, suite);
    return;
  }
  const reason = absent.map(missing).join('; ');
  if (process.env.CI) {
    test(title, () => {
      throw new Error(reason);
    });
    return;
  }
  process.stderr.write(`\nNOT TESTED: ${title}: ${reason}\n`);
  describe.skip(title, suite);
}

function missing(name: ServerName): string {
  const remedy = name === 'go' ? 'install Go 1.22 or later' : '"npx -y pnpm@12 servers" obtains it';
  return `no ${name} on this machine; ${remedy}`;
}
