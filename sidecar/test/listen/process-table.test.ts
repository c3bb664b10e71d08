import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { realpathSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseExecutable, parseFdinfoPid, parseStartTime, processTable } from '../../src/listen/process-table.ts';

const stat = (name: string, state: string, startTime: string): string =>
  `1234 (${name}) ${state} 1 1234 1234 0 -1 4194560 1 0 0 0 2 1 0 0 20 0 11 0 ${startTime} 1000 200 18446744073709551615 1\n`;

describe('field 22 of /proc/<pid>/stat', () => {
  test('is found whatever the process calls itself', () => {
    const name = fc.string({ maxLength: 15 }).filter((text) => !text.includes('\n'));
    fc.assert(
      fc.property(name, fc.nat(), (text, ticks) => {
        expect(parseStartTime(stat(text, 'S', String(ticks)))).toBe(String(ticks));
      }),
    );
    expect(parseStartTime(stat(') Z 1 (', 'S', '77'))).toBe('77');
  });

  test('is nothing for a process that has ended and was not reaped', () => {
    expect(parseStartTime(stat('node', 'Z', '77'))).toBeUndefined();
    expect(parseStartTime(stat('node', 'X', '77'))).toBeUndefined();
  });

  test('any text is read without a throw', () => {
    fc.assert(fc.property(fc.string(), (text) => void parseStartTime(text)));
    expect(parseStartTime('')).toBeUndefined();
  });
});

test('a pidfd’s fdinfo names the process, or that it has ended or is out of sight', () => {
  const fdinfo = (pid: string): string =>
    `pos:\t0\nflags:\t02000002\nmnt_id:\t15\nino:\t42\nPid:\t${pid}\nNSpid:\t${pid}\n`;
  expect(parseFdinfoPid(fdinfo('4711'))).toBe(4711);
  expect(parseFdinfoPid(fdinfo('-1'))).toBeUndefined();
  expect(parseFdinfoPid(fdinfo('0'))).toBeUndefined();
  expect(parseFdinfoPid('pos:\t0\n')).toBeUndefined();
});

test('an executable is named by its whole path, and not when its file is gone or out of sight', () => {
  expect(parseExecutable('/usr/local/bin/node')).toBe('/usr/local/bin/node');
  expect(parseExecutable('/usr/local/bin/node (deleted)')).toBeUndefined();
  expect(parseExecutable('(unreachable)/bin/node')).toBeUndefined();
  expect(parseExecutable('/opt/a\nunix:uid:0')).toBeUndefined();
});

describe.runIf(process.platform === 'linux')('the mounted table', () => {
  test('shows this process', () => {
    expect(processTable.executable(process.pid)).toBe(realpathSync(process.execPath));
    expect(processTable.startTime(process.pid)).toMatch(/^\d+$/);
  });

  test('shows nothing of a process that has ended, nor of a descriptor that is no pidfd', async () => {
    const child = spawn('true');
    await once(child, 'exit');
    expect(processTable.startTime(child.pid!)).toBeUndefined();
    expect(processTable.executable(child.pid!)).toBeUndefined();
    expect(processTable.pidOf(0)).toBeUndefined();
    expect(processTable.inodeOf(0)).toBeUndefined();
    expect(processTable.inodeOf(99_999)).toBeUndefined();
  });
});
