import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { COPY_LIFETIME_MS, createLastGood } from '../../src/config/last-good.ts';
import { openConfig, type OpenResult } from '../../src/config/open-config.ts';
import { GOOD } from './good-config.ts';

const START = Date.parse('2026-11-22T12:00:00Z');
const BROKEN = 'expires: never';

let folder: string;
let path: string;
let now: number;
const clock = { nowMs: () => now };
const text = (): string => GOOD.replace('/var/lib/tallystick-test-that-is-not-there', join(folder, 'state'));
const copy = () => createLastGood(join(folder, 'state/leases'), clock);

beforeEach(() => {
  now = START;
  folder = mkdtempSync(join(tmpdir(), 'tallystick-last-good-'));
  path = join(folder, 'tallystick.yaml');
  mkdirSync(join(folder, 'state/leases'), { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Starts as the sidecar does: open, and note in state what was found. */
async function start(): Promise<OpenResult> {
  const opened = await openConfig(path, { clock });
  if (opened.ok) await (opened.refusal ? copy().refuse() : copy().keep(opened.loaded.text));
  return opened;
}

function breakFile(): void {
  writeFileSync(path, text().replace('expires: 2027-06-30', BROKEN));
}

test('a sidecar that restarts with a broken file starts with the last good one, and says why', async () => {
  writeFileSync(path, text());
  expect(await start()).toMatchObject({ ok: true, refusal: undefined });
  breakFile();
  expect(await start()).toMatchObject({
    ok: true,
    loaded: { text: text() },
    refusal: { mistakes: [{ path: 'identities[0].expires' }], usableUntilMs: START + COPY_LIFETIME_MS },
  });
});

test('also when the file is not YAML any more', async () => {
  writeFileSync(path, text());
  await start();
  writeFileSync(path, `${text()}"`);
  expect(await start()).toMatchObject({ ok: true, refusal: { mistakes: [{ path: '' }] } });
});

test('a day after the file was first found broken, however often it restarted, it starts no more', async () => {
  writeFileSync(path, text());
  await start();
  // The time does not count from when the copy was made.
  now += 300 * 24 * 3_600_000;
  const brokenAt = now;
  breakFile();
  for (let hour = 0; hour < 24; hour++) {
    expect(await start()).toMatchObject({ ok: true, refusal: { usableUntilMs: brokenAt + COPY_LIFETIME_MS } });
    now += 3_600_000;
  }
  expect(await start()).toMatchObject({ ok: false, mistakes: [{ path: 'identities[0].expires' }] });
});

test('a good file in between gives it a new day', async () => {
  writeFileSync(path, text());
  await start();
  breakFile();
  await start();
  now += COPY_LIFETIME_MS - 1000;
  writeFileSync(path, text());
  await start();
  breakFile();
  now += 5000;
  expect(await start()).toMatchObject({ ok: true, refusal: { usableUntilMs: now + COPY_LIFETIME_MS } });
});

test('a first start with a broken file is refused with its mistakes', async () => {
  breakFile();
  expect(await start()).toMatchObject({ ok: false, mistakes: [{ path: 'identities[0].expires' }] });
});

test('a file that is gone says nothing of where the copy lies', async () => {
  writeFileSync(path, text());
  await start();
  rmSync(path);
  expect(await start()).toMatchObject({ ok: false, mistakes: [{ message: 'the file is not there' }] });
});

test.each([
  ['torn', (content: string) => content.slice(0, 100)],
  ['changed by hand', (content: string) => content.replace('ledger.acme.example', 'evil.example')],
  ['empty', () => ''],
])('a copy that is %s is not used, and is replaced by the next good file', async (_, damage) => {
  writeFileSync(path, text());
  await start();
  const file = join(folder, 'state/leases/last-good.json');
  writeFileSync(file, damage(readFileSync(file, 'utf8')));
  breakFile();
  expect(await start()).toMatchObject({ ok: false });
  writeFileSync(path, text());
  await start();
  breakFile();
  expect(await start()).toMatchObject({ ok: true });
});

test('a copy that this version refuses is not used', async () => {
  await copy().keep(text().replace('version: 1', 'version: 1\nrequires: [approvals]'));
  breakFile();
  expect(await start()).toMatchObject({ ok: false, mistakes: [{ path: 'identities[0].expires' }] });
});

test('the copy is for the sidecar alone, and is written only when something changed', async () => {
  writeFileSync(path, text());
  await start();
  const file = join(folder, 'state/leases/last-good.json');
  const { mode, ino } = statSync(file);
  expect(mode & 0o777).toBe(0o600);
  await start();
  expect(statSync(file).ino).toBe(ino);
});
