import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ROOT } from './repository.ts';

let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'tallystick-ci-'))));
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs `.ci/run` with an npx that only notes what it is asked for, and whose `test` prints `output`. */
function runCi(output: string, status = 0): { status: number | null; asked: string[]; stdout: string } {
  const asked = join(folder, 'asked');
  const npx = join(folder, 'npx');
  writeFileSync(asked, '');
  writeFileSync(
    npx,
    `#!/bin/sh\necho "$*" >> '${asked}'\ncase "$*" in *" test") printf '%s\\n' '${output}'; exit ${status};; esac\n`,
  );
  chmodSync(npx, 0o755);
  const run = spawnSync('bash', [join(ROOT, '.ci', 'run')], {
    env: { ...process.env, PATH: `${folder}${delimiter}${process.env.PATH}` },
    encoding: 'utf8',
  });
  return { status: run.status, stdout: run.stdout, asked: readFileSync(asked, 'utf8').trim().split('\n') };
}

test("CI obtains the servers, checks, and runs the README's test command", () => {
  const { status, asked, stdout } = runCi('12 passed, 0 failed, 1 skipped');
  expect(status).toBe(0);
  expect(asked).toEqual(['install --frozen-lockfile', 'servers', 'check', 'test'].map((what) => `-y pnpm@12 ${what}`));
  expect(stdout.trimEnd().split('\n').at(-1)).toBe('12 passed, 0 failed, 1 skipped');
});

test.each([
  ['nothing was printed', '', 0],
  ['no test ran', '0 passed, 0 failed, 0 skipped', 0],
  ['a test failed and the runner hid it', '12 passed, 1 failed, 0 skipped', 0],
  ['the runner failed', '12 passed, 0 failed, 0 skipped', 1],
])('CI fails when %s', (_, output, runnerStatus) => {
  expect(runCi(output, runnerStatus).status).not.toBe(0);
});
