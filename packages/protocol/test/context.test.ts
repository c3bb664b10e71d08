import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatContext, parseContext } from '../src/index.ts';
import { refusal } from './throws.ts';

describe('the claimed business process', () => {
  test('what is formatted is parsed as the same; what is not claimed is null', () => {
    const claim = fc.stringMatching(/^[ -~]{1,128}$/);
    fc.assert(
      fc.property(fc.record({ id: claim, run: claim, ticket: claim }, { requiredKeys: ['id'] }), (process) => {
        expect(parseContext(formatContext(process))).toEqual({ run: null, ticket: null, ...process });
      }),
    );
    expect(parseContext('{"process":{"id":"BP-1","run":null},"trace":1}')).toEqual({
      id: 'BP-1',
      run: null,
      ticket: null,
    });
  });

  test.each([
    '',
    'BP-1',
    'null',
    '1',
    '"process"',
    '[]',
    '{}',
    '{"process":null}',
    '{"process":"BP-1"}',
    '{"process":{}}',
    '{"process":{"id":1}}',
    '{"process":{"id":""}}',
    '{"process":{"id":"a\\nb"}}',
    '{"process":{"id":"é"}}',
    `{"process":{"id":"${'x'.repeat(129)}"}}`,
    '{"process":{"id":"BP-1","run":""}}',
    '{"process":{"id":"BP-1","run":7}}',
    '{"process":{"id":"BP-1","ticket":["T"]}}',
    '{"__proto__":{"process":{"id":"BP-1"}}}',
    '{"process":{"__proto__":{"id":"BP-1"}}}',
  ])('%s is refused', (text) => {
    expect(refusal(() => parseContext(text))).toBe('invalid_request');
  });

  test('any text is parsed or gives invalid_request, nothing else', () => {
    const like = fc
      .dictionary(fc.constantFrom('process', 'id', 'run'), fc.jsonValue())
      .map((process) => JSON.stringify({ process }));
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), like), (text) => {
        expect([undefined, 'invalid_request']).toContain(refusal(() => parseContext(text)));
      }),
    );
  });
});
