import { parseTraceparent } from '@tallystick/telemetry';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readTraceparent } from '../../src/observe/traceparent.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';

describe('a traceparent (W3C Trace Context)', () => {
  test('gives its ids, also of a later version with more fields', () => {
    for (const header of [`00-${TRACE}-${SPAN}-01`, `00-${TRACE}-${SPAN}-00`, `cc-${TRACE}-${SPAN}-01-more`]) {
      expect(readTraceparent(header)).toEqual({ trace_id: TRACE, span_id: SPAN });
    }
  });

  test.each([
    undefined,
    '',
    'x',
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${TRACE.slice(1)}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}`,
    `ff-${TRACE}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-01-more`,
    `00-${TRACE}-${SPAN}-01, 00-${TRACE}-${SPAN}-01`,
    ` 00-${TRACE}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-0g`,
    `00-${TRACE}-${SPAN}-011`,
  ])('that is malformed is none: %j', (header) => {
    expect(readTraceparent(header)).toBeNull();
  });

  test('is the same to a sidecar with telemetry and to one without', () => {
    const hex = (digits: number) =>
      fc.string({ unit: fc.constantFrom('0', '0', '0', '4', 'b', 'f', 'G'), minLength: digits, maxLength: digits });
    const version = fc.constantFrom('00', '01', 'ff', 'cc', '0');
    const header = fc
      .tuple(
        version,
        hex(32),
        hex(16),
        fc.constantFrom('01', '00', 'zz'),
        fc.constantFrom('', '-', '-more', 'x', `-${'m'.repeat(300)}`),
      )
      .map(([start, traceId, spanId, flags, more]) => `${start}-${traceId}-${spanId}-${flags}${more}`);
    fc.assert(
      fc.property(fc.oneof(fc.string(), header), (text) => {
        const parsed = parseTraceparent(text);
        expect(readTraceparent(text)).toEqual(parsed ? { trace_id: parsed.traceId, span_id: parsed.spanId } : null);
      }),
      { numRuns: 500 },
    );
  });
});
