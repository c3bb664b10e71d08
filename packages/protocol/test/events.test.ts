import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HEARTBEAT_MS, parseEvent, PROMPT_GRACE_MS, SILENCE_MS } from '../src/index.ts';
import { refusal } from './throws.ts';

describe('DESIGN §4.9: events are open', () => {
  test('an event of a type that is not known is "unknown": ask again for everything held', () => {
    expect(parseEvent('approval', '{"seq":7,"anything":[1]}')).toEqual({ type: 'unknown', seq: 7 });
    expect(parseEvent('message', '{"seq":7}')).toEqual({ type: 'unknown', seq: 7 });
    expect(parseEvent('toString', '{"seq":7}')).toEqual({ type: 'unknown', seq: 7 });
  });

  test('a state that is not known is as good as suspended', () => {
    expect(parseEvent('state', '{"seq":1,"state":"quarantined"}')).toEqual({
      type: 'state',
      seq: 1,
      state: 'suspended',
    });
    expect(parseEvent('snapshot', '{"seq":1,"epoch":"e","state":"x","leases":[]}')).toMatchObject({
      state: 'suspended',
    });
  });

  test('a lease may be told with more than its id', () => {
    expect(parseEvent('revoked', '{"seq":1,"leases":["ls_1",{"id":"ls_2","reason":"operator"}]}')).toEqual({
      type: 'revoked',
      seq: 1,
      leases: ['ls_1', 'ls_2'],
    });
  });

  test('members that are not known are ignored', () => {
    expect(parseEvent('changed', '{"seq":1,"why":"reload"}')).toEqual({ type: 'changed', seq: 1 });
  });
});

describe('parseEvent refuses', () => {
  test.each([
    ['changed', ''],
    ['changed', '1'],
    ['changed', 'null'],
    ['changed', '[]'],
    ['changed', '{}'],
    ['changed', '{"seq":"1"}'],
    ['changed', '{"seq":1e999}'],
    ['unheard-of', '{}'],
    ['state', '{"seq":1}'],
    ['state', '{"seq":1,"state":""}'],
    ['revoked', '{"seq":1}'],
    ['revoked', '{"seq":1,"leases":"ls_1"}'],
    ['revoked', '{"seq":1,"leases":[1]}'],
    ['revoked', '{"seq":1,"leases":[null]}'],
    ['rotate', '{"seq":1,"leases":[{}]}'],
    ['snapshot', '{"seq":1,"state":"active","leases":[]}'],
    ['snapshot', '{"seq":1,"epoch":"e","leases":[]}'],
    ['snapshot', '{"seq":1,"epoch":"e","state":"active"}'],
  ])('%s %s', (type, data) => {
    expect(refusal(() => parseEvent(type, data))).toBe('protocol_error');
  });

  test('any other text with protocol_error, nothing else', () => {
    const type = fc.oneof(fc.constantFrom('snapshot', 'revoked', 'rotate', 'state', 'changed'), fc.string());
    fc.assert(
      fc.property(type, fc.oneof(fc.string(), fc.json()), (name, data) => {
        expect([undefined, 'protocol_error']).toContain(refusal(() => parseEvent(name, data)));
      }),
      { numRuns: 500 },
    );
  });
});

test('DESIGN §4.7: a workload misses two heartbeats before it reconnects, and reconnects before it stops', () => {
  expect([HEARTBEAT_MS, SILENCE_MS, PROMPT_GRACE_MS]).toEqual([5000, 15_000, 60_000]);
});
