import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  createStreamReader,
  formatEvent,
  HEARTBEAT,
  MAX_MESSAGE_LENGTH,
  parseEvent,
  type SidecarEvent,
  type StreamMessage,
} from '../src/index.ts';

function readAll(...chunks: string[]): StreamMessage[] {
  const read = createStreamReader();
  return chunks.flatMap((chunk) => read(chunk));
}

describe('WHATWG HTML §9.2.6', () => {
  test.each<[rule: string, text: string, messages: [type: string, data: string][]]>([
    [
      'the examples of the standard: two messages, the first of two lines',
      'data: YHOO\ndata: +2\ndata: 10\n\ndata: x\n\n',
      [
        ['message', 'YHOO\n+2\n10'],
        ['message', 'x'],
      ],
    ],
    ['a comment is ignored', ': test stream\n\ndata: first\nid: 1\n\n', [['message', 'first']]],
    [
      'data without a colon is one empty line; what is not ended is not dispatched',
      'data\n\ndata\ndata\n\ndata:',
      [
        ['message', ''],
        ['message', '\n'],
      ],
    ],
    [
      'one space after the colon is left out, and only one',
      'data:test\n\ndata: test\n\ndata:  test\n\n',
      [
        ['message', 'test'],
        ['message', 'test'],
        ['message', ' test'],
      ],
    ],
    [
      'event names the type, for one message',
      'event: rotate\ndata: a\n\ndata: b\n\n',
      [
        ['rotate', 'a'],
        ['message', 'b'],
      ],
    ],
    [
      'the last event field counts, and an empty one is "message"',
      'event: a\nevent: b\ndata: 1\n\nevent:\ndata: 2\n\n',
      [
        ['b', '1'],
        ['message', '2'],
      ],
    ],
    ['a type without data is not dispatched, nor kept for the next', 'event: a\n\ndata: 1\n\n', [['message', '1']]],
    [
      'id, retry and unknown fields are ignored',
      'id: 1\nretry: 10\nfoo: bar\nDATA: no\n data: no\ndata: yes\n\n',
      [['message', 'yes']],
    ],
    [
      'lines end with CR, LF or both, mixed',
      'data: a\r\ndata: b\rdata: c\n\r\ndata: d\r\r',
      [
        ['message', 'a\nb\nc'],
        ['message', 'd'],
      ],
    ],
    [
      'CR LF CR LF is one empty line, not two',
      'data: a\r\n\r\ndata: b\r\n\r\n',
      [
        ['message', 'a'],
        ['message', 'b'],
      ],
    ],
    [
      'one byte order mark at the start is left out, and only there',
      '\ufeffdata: a\n\n\ufeffdata: b\n\ndata: \ufeffc\n\n',
      [
        ['message', 'a'],
        ['message', '\ufeffc'],
      ],
    ],
    ['a line separator of Unicode ends no line', 'data: a\u2028b\u0085c\n\n', [['message', 'a\u2028b\u0085c']]],
    ['a colon in the value belongs to it', 'data: {"a":"b: c"}\n\n', [['message', '{"a":"b: c"}']]],
    ['nothing', '', []],
  ])('%s', (_rule, text, messages) => {
    expect(readAll(text)).toEqual(messages.map(([type, data]) => ({ type, data })));
  });

  const piece = fc.constantFrom(
    'data',
    'event',
    'id',
    ':',
    ' ',
    '\r',
    '\n',
    '\r\n',
    '\n\n',
    '\r\r',
    '\ufeff',
    'x',
    '{"seq":1}',
    'é',
    '',
  );
  const text = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(''));

  test('where the text is cut never changes what is read', () => {
    fc.assert(
      fc.property(text, fc.array(fc.nat(60), { maxLength: 12 }), (whole, cuts) => {
        const at = [0, ...cuts.filter((cut) => cut < whole.length).sort((a, b) => a - b), whole.length];
        expect(readAll(...at.slice(1).map((end, i) => whole.slice(at[i], end)))).toEqual(readAll(whole));
        expect(readAll(...whole.split(''))).toEqual(readAll(whole));
      }),
      { numRuns: 2000 },
    );
  });

  test('equals a reading of the whole text, line by line', () => {
    fc.assert(
      fc.property(text, (whole) => {
        expect(readAll(whole)).toEqual(slowRead(whole));
      }),
      { numRuns: 2000 },
    );
  });

  test('a message is there as soon as its empty line ends, though a line feed may follow', () => {
    const read = createStreamReader();
    expect(read('data: a\r\r')).toEqual([{ type: 'message', data: 'a' }]);
    expect(read('\ndata: b\n\n')).toEqual([{ type: 'message', data: 'b' }]);
  });
});

describe('a peer that never ends a message', () => {
  test.each([
    ['in one line', 'x'],
    ['in many lines', 'data: x\n'],
    ['in empty lines of data', 'data\n'],
  ])('is refused at 4 Mi characters: %s', (_how, chunk) => {
    const read = createStreamReader();
    const chunks = chunk.repeat(10_000);
    read('data: ');
    expect(() => {
      for (let i = 0; i <= MAX_MESSAGE_LENGTH / 10_000; i++) read(chunks);
    }).toThrow(RangeError);
  });

  test('is refused in one chunk as in many', () => {
    const long = `data: ${'x'.repeat(MAX_MESSAGE_LENGTH)}\n\n`;
    expect(() => readAll(long)).toThrow(RangeError);
    expect(() => readAll(long.slice(0, 5), long.slice(5, -2), long.slice(-2))).toThrow(RangeError);
    expect(readAll(`data: ${'x'.repeat(MAX_MESSAGE_LENGTH - 6)}\n\n`)).toHaveLength(1);
  });

  test('costs no more in pieces of one character: 200,000 of them are read at once', () => {
    const read = createStreamReader();
    for (let i = 0; i < 200_000; i++) read('x');
    expect(read('\n\ndata: y\n\n')).toEqual([{ type: 'message', data: 'y' }]);
  });

  test('does not count comments and messages that have ended: a stream may be of any length', () => {
    const read = createStreamReader();
    const chunk = `${':'.repeat(1000)}\ndata: ${'x'.repeat(50_000)}\n\n${HEARTBEAT}`;
    for (let i = 0; i < 200; i++) expect(read(chunk)).toHaveLength(1);
    for (let i = 0; i < 1000; i++) expect(read(`:${'x'.repeat(5000)}\n`)).toEqual([]);
  });
});

describe('events', () => {
  const leases = fc.array(fc.stringMatching(/^ls_[0-9A-HJKMNP-TV-Z]{26}$/), { maxLength: 5 });
  const seq = fc.nat();
  const state = fc.constantFrom('active' as const, 'suspended' as const, 'expired' as const);
  const event: fc.Arbitrary<SidecarEvent> = fc.oneof(
    fc.record({ type: fc.constant('snapshot' as const), epoch: fc.string({ minLength: 1 }), seq, state, leases }),
    fc.record({ type: fc.constantFrom('revoked' as const, 'rotate' as const), seq, leases }),
    fc.record({ type: fc.constant('state' as const), seq, state }),
    fc.record({ type: fc.constant('changed' as const), seq }),
  );

  test('come out of the stream as they went in, heartbeats between them', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 8 }), fc.nat(40), (events, cut) => {
        const wire = events.map((one) => formatEvent(one) + HEARTBEAT).join('');
        expect(readAll(wire.slice(0, cut), wire.slice(cut)).map(({ type, data }) => parseEvent(type, data))).toEqual(
          events,
        );
      }),
    );
  });
});

function slowRead(text: string): StreamMessage[] {
  const messages: StreamMessage[] = [];
  let [type, data] = ['', ''];
  const lines = text
    .replace(/^\ufeff/, '')
    .replaceAll('\r\n', '\n')
    .replaceAll('\r', '\n')
    .split('\n');
  for (const line of lines.slice(0, -1)) {
    const [, field, value] = /^([^:]*)(?:: ?([^]*))?$/.exec(line)!;
    if (line === '') {
      if (data !== '') messages.push({ type: type === '' ? 'message' : type, data: data.slice(0, -1) });
      [type, data] = ['', ''];
    } else if (field === 'data') data += `${value ?? ''}\n`;
    else if (field === 'event') type = value ?? '';
  }
  return messages;
}
