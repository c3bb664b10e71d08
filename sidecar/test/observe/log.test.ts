import { LogError } from '@tallystick/audit';
import { TallystickError } from '@tallystick/core';
import { describe, expect, test } from 'vitest';
import { createLog, errorFields } from '../../src/observe/log.ts';

describe('the log', () => {
  const write = (level: 'debug' | 'warn') => {
    const lines: string[] = [];
    return { lines, log: createLog({ write: (line) => lines.push(line), clock: { nowMs: () => 0 }, level }) };
  };

  test('is one JSON object a line: time, level, message, then the fields', () => {
    const { lines, log } = write('debug');
    log.info('a "quoted"\nmessage', { uid: 7, gone: undefined, none: null });
    expect(lines).toEqual([
      '{"time":"1970-01-01T00:00:00.000Z","level":"info","message":"a \\"quoted\\"\\nmessage","uid":7,"none":null}\n',
    ]);
  });

  test('leaves out what is below its level', () => {
    const { lines, log } = write('warn');
    for (const level of ['debug', 'info', 'warn', 'error'] as const) log[level](level);
    expect(lines.map((line) => (JSON.parse(line) as { level: string }).level)).toEqual(['warn', 'error']);
  });
});

describe('an error in the log', () => {
  const SECRET = 'eyJ-secret-token';

  test('of ours is whole, and its cause is not', () => {
    const cause = Object.assign(new TypeError(SECRET), { code: 'EPIPE', syscall: 'write' });
    const error = new TallystickError('record_unavailable', 'the record could not be made durable', { cause });
    const fields = errorFields(error);
    expect(fields).toMatchObject({
      code: 'record_unavailable',
      error: error.message,
      cause: 'TypeError',
      errno: 'EPIPE',
      syscall: 'write',
    });
    expect(JSON.stringify(fields)).not.toContain(SECRET);
  });

  test('of the log names its fault, by which the page about it is searched', () => {
    expect(errorFields(new LogError('tail_lost', 'the journal ends early'))).toMatchObject({ fault: 'tail_lost' });
    expect(errorFields(new TallystickError('state_unusable', 'the folder is gone'))).not.toHaveProperty('fault');
  });

  test('of others is its class, its system code and its place, never its message', () => {
    function failHere(): Error {
      return new RangeError(`${SECRET}\n    at ${SECRET} (${SECRET}:1:1)`);
    }
    const fields = errorFields(failHere());
    expect(fields).toEqual({
      cause: 'RangeError',
      at: expect.stringMatching(/^failHere \(.*log\.test\.ts:\d+:\d+\)$/) as string,
    });
  });

  test('shows nothing of a message in any way that an error can carry it', () => {
    const changed = new Error(`first ${SECRET}\n    at ${SECRET} (x:1:1)`);
    // The text of a stack is made when it is first read.
    expect(changed.stack).toContain(SECRET);
    changed.message = 'second';
    const bare = new Error(SECRET);
    delete bare.stack;
    const odd = [
      changed,
      bare,
      Object.assign(new Error(SECRET), { stack: SECRET }),
      SECRET,
      { message: SECRET },
      null,
      undefined,
      7,
    ];
    for (const error of odd) expect(JSON.stringify(errorFields(error))).not.toContain(SECRET);
  });
});
