import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const MAIN = fileURLToPath(new URL('../../examples/demo/src/main.ts', import.meta.url));

test('the demo holds all of its checks', { timeout: 120_000 }, async () => {
  const child = spawn(
    process.execPath,
    ['--conditions=@tallystick/source', '--disable-warning=ExperimentalWarning', MAIN],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise((resolve) => child.once('close', resolve));
  expect(output).toMatch(/^[1-9]\d+ checks held, 0 failed$/m);
  expect(code).toBe(0);
  // Plain when it is piped.
  expect(output).not.toContain('\u001b[');
});
