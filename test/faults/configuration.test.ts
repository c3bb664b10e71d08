// A configuration with each kind of mistake, as an operator meets it: by "tallystick check", and by a start.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { tallystick } from '../daemon/command.ts';
import { SEED, seeded, times } from './scale.ts';

const CORPUS = fileURLToPath(new URL('../../sidecar/test/config/mistakes/', import.meta.url));

/** Returns so many of the corpus, drawn by the seed. */
function drawn(count: number): string[] {
  const random = seeded(SEED);
  return readdirSync(CORPUS)
    .map((file) => ({ file, order: random() }))
    .sort((a, b) => a.order - b.order)
    .slice(0, count)
    .map(({ file }) => file);
}

test.each(drawn(times(8, Infinity)))(
  `%s: check ends with 1 and prints line and remedy, and run does not start (seed ${SEED})`,
  async (file) => {
    const path = join(CORPUS, file);
    const [, line, column] = /^# (\d+):(\d+) /.exec(readFileSync(path, 'utf8'))!;
    const cwd = mkdtempSync(join(tmpdir(), 'tallystick-mistake-'));
    const [check, run] = await Promise.all([
      tallystick(['check', '--config', path], { cwd }),
      tallystick(['run', '--config', path], { cwd }),
    ]);
    expect(check).toMatchObject({ status: 1, stderr: '' });
    expect(check.stdout).toMatch(new RegExp(`${file}:${line}:${column}: error: .+\\n    .+`));
    expect(run).toMatchObject({ status: 1, stdout: '' });
    expect(run.stderr).toContain(`${file}:${line}:${column}: error: `);
    rmSync(cwd, { recursive: true });
  },
);
