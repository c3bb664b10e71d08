import { ExportResultCode, type ExportResult } from '@opentelemetry/core';
import type { Timers } from '@tallystick/core';
import { expect, test } from 'vitest';
import { BackgroundExport } from '../src/background-export.ts';
import type { Outcome } from '../src/send.ts';

const ACCEPTED: Outcome = { kind: 'accepted' };
const AWAY: Outcome = { kind: 'later', afterMs: undefined };

/** A collector whose answers a test gives, on time that a test moves. */
function scene() {
  const attempts: string[] = [];
  const answers: ((outcome: Outcome) => void)[] = [];
  const pauses: { ms: number; end: () => void; cancelled: boolean; keepAlive: boolean }[] = [];
  const timers: Timers = {
    after(ms, callback, options) {
      const pause = { ms, end: callback, cancelled: false, keepAlive: options?.keepAlive === true };
      pauses.push(pause);
      return { cancel: () => void (pause.cancelled = true) };
    },
  };
  let nowMs = 0;
  const background = new BackgroundExport<string>({
    serialize: (items) => (items === '' ? undefined : Buffer.from(items)),
    attempt(body) {
      attempts.push(Buffer.from(body).toString());
      return new Promise((resolve) => answers.push(resolve));
    },
    patienceMs: 10_000,
    timers,
    clock: { nowMs: () => nowMs, monotonicMs: () => nowMs },
    random: { bytes: () => new Uint8Array(), uniform: () => 0.5 },
  });
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return {
    attempts,
    pauses,
    background,
    export(items: string): ExportResult {
      const results: ExportResult[] = [];
      background.export(items, (result) => results.push(result));
      expect(results).toHaveLength(1);
      return results[0]!;
    },
    async answer(outcome: Outcome) {
      answers.shift()!(outcome);
      await settle();
    },
    async pass(ms = pauses.at(-1)!.ms) {
      nowMs += ms;
      pauses.at(-1)!.end();
      await settle();
    },
  };
}

test('a batch is taken at once, so that nothing of the SDK waits for the collector', () => {
  const { export: add, attempts } = scene();
  expect(add('a').code).toBe(ExportResultCode.SUCCESS);
  expect(attempts).toEqual(['a']);
});

test('batches are sent one at a time and in order; an empty one not at all', async () => {
  const { export: add, attempts, answer } = scene();
  for (const items of ['a', '', 'b', 'c']) add(items);
  expect(attempts).toEqual(['a']);
  await answer(ACCEPTED);
  expect(attempts).toEqual(['a', 'b']);
  await answer({ kind: 'refused' });
  expect(attempts).toEqual(['a', 'b', 'c']);
});

test('a batch is tried again with growing pauses until its time is up, then the next has its turn', async () => {
  const { export: add, attempts, answer, pass, pauses } = scene();
  add('a');
  for (let i = 0; i < 4; i++) {
    await answer(AWAY);
    await pass();
  }
  add('b');
  await answer(AWAY);
  expect(pauses.map(({ ms }) => ms)).toEqual([1000, 1500, 2250, 3375]);
  expect(attempts).toEqual(['a', 'a', 'a', 'a', 'a', 'b']);
});

test('the pause that the collector asks for is kept', async () => {
  const { export: add, answer, pauses } = scene();
  add('a');
  await answer({ kind: 'later', afterMs: 7000 });
  expect(pauses.map(({ ms }) => ms)).toEqual([7000]);
});

test('no pause keeps the program alive', async () => {
  const { export: add, answer, pauses } = scene();
  add('a');
  await answer(AWAY);
  expect(pauses.map(({ keepAlive }) => keepAlive)).toEqual([false]);
});

test('what waits for the collector is bounded: a batch too many is refused, and the SDK counts it as lost', async () => {
  const { export: add, answer } = scene();
  const codes = Array.from({ length: 12 }, (_, i) => add(`${i}`).code);
  expect(codes.filter((code) => code === ExportResultCode.SUCCESS)).toHaveLength(8);
  expect(codes[11]).toBe(ExportResultCode.FAILED);
  await answer(ACCEPTED);
  expect(add('next').code).toBe(ExportResultCode.SUCCESS);
});

test('at the end a pause is cut short for one last attempt, and one failure ends it for all', async () => {
  const { export: add, attempts, answer, background, pauses } = scene();
  add('a');
  add('b');
  await answer(AWAY);
  const ended = background.shutdown();
  expect(pauses[0]!.cancelled).toBe(true);
  await new Promise((resolve) => setImmediate(resolve));
  expect(attempts).toEqual(['a', 'a']);
  await answer(AWAY);
  await ended;
  expect(attempts).toEqual(['a', 'a']);
});

test('at the end every batch is sent while the collector takes them', async () => {
  const { export: add, attempts, answer, background } = scene();
  add('a');
  add('b');
  const ended = background.shutdown();
  await answer(ACCEPTED);
  await answer(ACCEPTED);
  await ended;
  expect(attempts).toEqual(['a', 'b']);
});

test('with nothing to send the end is there at once', async () => {
  await scene().background.shutdown();
});

test('after a flush it is as patient as before', async () => {
  const { export: add, attempts, answer, pass, background } = scene();
  await background.forceFlush();
  add('a');
  await answer(AWAY);
  await pass();
  expect(attempts).toEqual(['a', 'a']);
});
