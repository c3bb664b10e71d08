import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseTraceparent } from '../src/index.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';

test.each([
  [`00-${TRACE}-${SPAN}-01`, true],
  [`00-${TRACE}-${SPAN}-00`, false],
  [`00-${TRACE}-${SPAN}-03`, true],
  [`cc-${TRACE}-${SPAN}-01-what-the-future-brings`, true],
])('W3C Trace Context §3.2: %s is understood', (text, sampled) => {
  expect(parseTraceparent(text)).toEqual({ traceId: TRACE, spanId: SPAN, sampled });
});

test.each([
  undefined,
  '',
  'x',
  `ff-${TRACE}-${SPAN}-01`,
  `00-${TRACE}-${SPAN}-01-more`,
  `cc-${TRACE}-${SPAN}-01.more`,
  `00-${'0'.repeat(32)}-${SPAN}-01`,
  `00-${TRACE}-${'0'.repeat(16)}-01`,
  `00-${TRACE.toUpperCase()}-${SPAN}-01`,
  `00-${TRACE.slice(1)}-${SPAN}-01`,
  `00-${TRACE}-${SPAN}`,
  `00-${TRACE}-${SPAN}-1`,
  `00-${TRACE}-${SPAN}-0g`,
  `00-${TRACE}-${SPAN}-011`,
  `00-${TRACE}-${SPAN}-01\n`,
  ` 00-${TRACE}-${SPAN}-01`,
  `00-${TRACE}-${SPAN}-01, 00-${TRACE}-${SPAN}-01`,
  `cc-${TRACE}-${SPAN}-01-${'x'.repeat(300)}`,
])('W3C Trace Context §3.2: %j is no traceparent', (text) => {
  expect(parseTraceparent(text)).toBeUndefined();
});

test('no text makes the parser throw, and what it accepts it has read right', () => {
  const digits = (length: number) =>
    fc.string({ unit: fc.constantFrom(...'0123456789abcdefG'.split('')), minLength: length, maxLength: length });
  fc.assert(
    fc.property(digits(2), digits(32), digits(16), digits(2), (version, traceId, spanId, flags) => {
      const parsed = parseTraceparent(`${version}-${traceId}-${spanId}-${flags}`);
      if (parsed) expect(parsed).toEqual({ traceId, spanId, sampled: Number.parseInt(flags, 16) % 2 === 1 });
    }),
  );
  fc.assert(fc.property(fc.string(), (text) => void parseTraceparent(text)));
});
