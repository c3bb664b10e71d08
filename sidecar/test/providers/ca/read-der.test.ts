import { DER } from '@tallystick/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readElements } from '../../../src/providers/ca/read-der.ts';

test('what was written is read back', () => {
  const parts = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 });
  fc.assert(
    fc.property(parts, (contents) => {
      const written = DER.sequence(...contents.map((content) => DER.octetString(content)), DER.bitString(Buffer.of(1)));
      const [whole, ...after] = readElements(written);
      expect([after, whole!.tag, whole!.whole.equals(written)]).toEqual([[], 0x30, true]);
      expect(
        readElements(whole!.content)
          .slice(0, -1)
          .map(({ content }) => [...content]),
      ).toEqual(contents.map((each) => [...each]));
    }),
  );
});

test('whatever bytes are read, they are elements in their one form, or refused', () => {
  let refused = 0;
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      try {
        const elements = readElements(Buffer.from(bytes));
        expect(Buffer.concat(elements.map(({ whole }) => whole)).equals(Buffer.from(bytes))).toBe(true);
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
        refused++;
      }
    }),
    { numRuns: 2000 },
  );
  expect(refused).toBeGreaterThan(100);
});
