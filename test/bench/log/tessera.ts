import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Tessera's POSIX driver. */
export interface Tessera extends Disposable {
  /** Adds entries from so many goroutines, in a new folder, and returns how many a second. */
  append(sample: {
    readonly concurrency: number;
    readonly forMs: number;
    readonly entryBytes: number;
  }): Promise<number>;
}

/** Builds the program of `tessera/`; undefined on a machine without Go. */
export function buildTessera(): Tessera | undefined {
  if (spawnSync('go', ['version']).status !== 0) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-bench-tessera-'));
  const binary = join(folder, 'tessera');
  execFileSync('go', ['build', '-mod=readonly', '-trimpath', '-o', binary, '.'], {
    cwd: join(import.meta.dirname, '../tessera'),
    env: { ...process.env, CGO_ENABLED: '0', GOTOOLCHAIN: 'local' },
  });
  let logs = 0;
  return {
    async append({ concurrency, forMs, entryBytes }) {
      const log = join(folder, String((logs += 1)));
      mkdirSync(log);
      const args = [log, ...[concurrency, forMs, entryBytes].map(String)];
      const { stdout } = await promisify(execFile)(binary, args);
      rmSync(log, { recursive: true });
      return Number(stdout);
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  };
}
