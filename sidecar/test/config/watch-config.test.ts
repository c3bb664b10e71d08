import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemTimers, type Timer, type Timers } from '@tallystick/core';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ConfigChanges } from '../../src/config/changes.ts';
import type { Mistake } from '../../src/config/fault.ts';
import { createLastGood } from '../../src/config/last-good.ts';
import type { LoadedConfig } from '../../src/config/load-config.ts';
import { openConfig } from '../../src/config/open-config.ts';
import { watchConfig, type ConfigWatch } from '../../src/config/watch-config.ts';
import { GOOD } from './good-config.ts';

type Event =
  | { readonly kind: 'config'; readonly loaded: LoadedConfig; readonly changes: ConfigChanges }
  | { readonly kind: 'refused'; readonly mistakes: readonly Mistake[] }
  | { readonly kind: 'expired' }
  | { readonly kind: 'copy failed' };

let folder: string;
let now: number;
let events: Event[];
let waiting: (() => void)[];
let watching: ConfigWatch | undefined;
const clock = { nowMs: () => now };

beforeEach(() => {
  now = Date.parse('2026-11-22T12:00:00Z');
  events = [];
  waiting = [];
  folder = mkdtempSync(join(tmpdir(), 'tallystick-watch-'));
  mkdirSync(join(folder, 'state/leases'), { recursive: true });
  mkdirSync(join(folder, 'etc'));
});
afterEach(() => {
  watching?.close();
  rmSync(folder, { recursive: true });
});

const path = (): string => join(folder, 'etc/tallystick.yaml');
const text = (): string => GOOD.replace('/var/lib/tallystick-test-that-is-not-there', join(folder, 'state'));
const narrowed = (): string => text().replace('entitlements: [ledger-api]', 'entitlements: []');
const broken = (): string => text().replace('2027-06-30', 'never');

/** Starts to follow the file as it is. */
async function follow(timers: Timers = systemTimers): Promise<ConfigWatch> {
  const opened = await openConfig(path(), { clock });
  if (!opened.ok) throw new Error(JSON.stringify(opened.mistakes));
  const lastGood = createLastGood(join(folder, 'state/leases'), clock);
  await (opened.refusal ? lastGood.refuse() : lastGood.keep(opened.loaded.text));
  const tell = (event: Event): void => {
    events.push(event);
    for (const wake of waiting.splice(0)) wake();
  };
  watching = watchConfig({
    path: path(),
    current: opened.loaded,
    refusal: opened.refusal,
    lastGood,
    clock,
    timers,
    onConfig: (loaded, changes) => tell({ kind: 'config', loaded, changes }),
    onRefused: (mistakes) => tell({ kind: 'refused', mistakes }),
    onExpired: () => tell({ kind: 'expired' }),
    onCopyFailed: () => tell({ kind: 'copy failed' }),
  });
  return watching;
}

/** Resolves with the event number `count`. */
async function event(count: number): Promise<Event> {
  while (events.length < count) await new Promise<void>((resolve) => waiting.push(resolve));
  return events[count - 1]!;
}

/** Timers that run when a test says so. */
function heldTimers(): Timers & { fire(delayMs: number): void; delays(): number[] } {
  const held = new Map<object, { delayMs: number; callback: () => void }>();
  return {
    after(delayMs, callback): Timer {
      const timer = { cancel: () => void held.delete(timer) };
      held.set(timer, { delayMs, callback });
      return timer;
    },
    fire(delayMs) {
      // Those that a callback starts wait for the next call.
      const due = [...held].filter(([, each]) => each.delayMs === delayMs);
      for (const [timer, each] of due) {
        held.delete(timer);
        each.callback();
      }
    },
    delays: () => [...held.values()].map((each) => each.delayMs),
  };
}

test('a ConfigMap that swaps its ..data link is followed', async () => {
  const etc = join(folder, 'etc');
  const publish = (name: string, content: string): void => {
    mkdirSync(join(etc, name));
    writeFileSync(join(etc, name, 'tallystick.yaml'), content);
    symlinkSync(name, join(etc, '..data_tmp'));
    renameSync(join(etc, '..data_tmp'), join(etc, '..data'));
  };
  publish('..2026_11_22_1', text());
  symlinkSync('..data/tallystick.yaml', path());
  await follow();

  publish('..2026_11_22_2', narrowed());
  expect(await event(1)).toMatchObject({
    kind: 'config',
    changes: { identities: { changed: ['spiffe://acme.example/payments/close-batch'] } },
  });
  publish('..2026_11_22_3', broken());
  expect(await event(2)).toMatchObject({ kind: 'refused', mistakes: [{ path: 'identities[0].expires' }] });
  publish('..2026_11_22_4', text());
  expect(await event(3)).toMatchObject({ kind: 'config', changes: { needsRestart: [] } });
});

test('a file that an editor replaces by renaming is followed', async () => {
  writeFileSync(path(), text());
  await follow();
  writeFileSync(join(folder, 'etc/.tallystick.yaml.swp'), narrowed());
  renameSync(join(folder, 'etc/.tallystick.yaml.swp'), path());
  expect(await event(1)).toMatchObject({ kind: 'config' });
});

test('a file written in place is followed', async () => {
  writeFileSync(path(), text());
  await follow();
  writeFileSync(path(), narrowed());
  expect(await event(1)).toMatchObject({ kind: 'config', loaded: { text: narrowed() } });
});

test('where the file system tells of nothing, the file is read once a minute', async () => {
  const timers = heldTimers();
  writeFileSync(path(), text());
  await follow(timers);
  rmSync(join(folder, 'etc'), { recursive: true });
  mkdirSync(join(folder, 'etc'));
  writeFileSync(path(), narrowed());
  timers.fire(60_000);
  expect(await event(1)).toMatchObject({ kind: 'config' });
  // The new folder is watched, and the next minute comes too.
  expect(timers.delays()).toContain(60_000);
});

test('a refused file is told of once, and the configuration in force stays', async () => {
  writeFileSync(path(), text());
  const { reload } = await follow(heldTimers());
  writeFileSync(path(), broken());
  await reload();
  await reload();
  expect(events.map(({ kind }) => kind)).toEqual(['refused']);
});

test('a refused file is kept in mind over a restart, and the copy is what was in force', async () => {
  writeFileSync(path(), text());
  const { reload } = await follow(heldTimers());
  writeFileSync(path(), narrowed());
  await reload();
  writeFileSync(path(), broken());
  await reload();
  now += 3_600_000;
  expect(await openConfig(path(), { clock })).toMatchObject({
    loaded: { text: narrowed() },
    refusal: { usableUntilMs: now + 23 * 3_600_000 },
  });
});

test('a file that is good again is told of even when it is the one in force', async () => {
  writeFileSync(path(), text());
  const { reload } = await follow(heldTimers());
  writeFileSync(path(), broken());
  await reload();
  writeFileSync(path(), text());
  await reload();
  expect(events).toMatchObject([{ kind: 'refused' }, { kind: 'config', changes: { identities: { changed: [] } } }]);
  expect(await createLastGood(join(folder, 'state/leases'), clock).read()).toMatchObject({
    usableUntilMs: now + 24 * 3_600_000,
  });
});

test('what needs a restart is refused whole, and a restart takes it', async () => {
  writeFileSync(path(), text());
  const { reload } = await follow(heldTimers());
  const moved = narrowed().replace('admin.sock', 'operators.sock');
  writeFileSync(path(), moved);
  await reload();
  expect(events).toMatchObject([{ kind: 'refused', mistakes: [{ path: 'listen.admin' }] }]);
  expect(await openConfig(path(), { clock })).toMatchObject({ loaded: { text: moved }, refusal: undefined });
  // Nothing is broken: the day of the copy has not begun.
  now += 5000;
  expect(await createLastGood(join(folder, 'state/leases'), clock).read()).toMatchObject({
    usableUntilMs: now + 24 * 3_600_000,
  });
});

test('a sidecar that was started from the copy is told when its day is over', async () => {
  writeFileSync(path(), text());
  (await follow(heldTimers())).close();
  writeFileSync(path(), broken());
  const timers = heldTimers();
  await follow(timers);
  const day = 24 * 3_600_000;
  expect(timers.delays()).toContain(day);
  // A timer that fires early, as after a jump of the clock, waits for the rest.
  now += day - 5000;
  timers.fire(day);
  expect(events).toEqual([]);
  now += 5000;
  timers.fire(5000);
  expect(events).toEqual([{ kind: 'expired' }]);
});

test('and is not, once the file is good again', async () => {
  writeFileSync(path(), text());
  (await follow(heldTimers())).close();
  writeFileSync(path(), broken());
  const timers = heldTimers();
  const { reload } = await follow(timers);
  writeFileSync(path(), text());
  await reload();
  expect(timers.delays()).not.toContain(24 * 3_600_000);
});

test('a copy that cannot be written is told of, and the new configuration is in force', async () => {
  writeFileSync(path(), text());
  const { reload } = await follow(heldTimers());
  rmSync(join(folder, 'state'), { recursive: true });
  writeFileSync(path(), narrowed());
  await reload();
  expect(events.map(({ kind }) => kind)).toEqual(['config', 'copy failed']);
});

test('after close nothing is told', async () => {
  writeFileSync(path(), text());
  const timers = heldTimers();
  const { reload, close } = await follow(timers);
  writeFileSync(path(), narrowed());
  const reading = reload();
  // The file is being read by now.
  await Promise.resolve();
  await Promise.resolve();
  close();
  await reading;
  expect(events).toEqual([]);
  expect(timers.delays()).toEqual([]);
});

test('an idle watch lets the process end', async () => {
  writeFileSync(path(), text());
  await follow();
  expect(process.getActiveResourcesInfo().filter((name) => name === 'FSEventWrap')).toEqual([]);
  expect(readFileSync(path(), 'utf8')).toBe(text());
});
