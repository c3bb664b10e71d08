import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readXml } from '../../../src/providers/aws/xml.ts';

test('the texts of an answer are found by the path of their elements', () => {
  const xml = `<?xml version="1.0" encoding="UTF-8"?>
<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <Error><Type>Sender</Type><Code>AccessDenied</Code><Message>a &lt;b&gt; &amp; c</Message><Detail/></Error>
  <RequestId>58c5dbae</RequestId>
</ErrorResponse>\n`;
  expect(Object.fromEntries(readXml(xml)!)).toEqual({
    'ErrorResponse/Error/Type': 'Sender',
    'ErrorResponse/Error/Code': 'AccessDenied',
    'ErrorResponse/Error/Message': 'a <b> & c',
    'ErrorResponse/Error/Detail': '',
    'ErrorResponse/RequestId': '58c5dbae',
  });
});

test.each([
  ['nothing', ''],
  ['text alone', 'Service Unavailable'],
  ['a document type', '<!DOCTYPE a><a>x</a>'],
  ['entities of its own', '<!DOCTYPE a [<!ENTITY b "x">]><a>&b;</a>'],
  ['an entity that is not of XML', '<a>&nbsp;</a>'],
  ['a numeric entity', '<a>&#65;</a>'],
  ['a bare ampersand', '<a>x & y</a>'],
  ['a comment', '<a><!-- x -->y</a>'],
  ['a section', '<a><![CDATA[x]]></a>'],
  ['an instruction', '<a><?x y?></a>'],
  ['an element that comes twice', '<a><b>1</b><b>2</b></a>'],
  ['an element of elements that comes twice', '<a><b><c>1</c></b><b><d>2</d></b></a>'],
  ['text beside elements', '<a>x<b>1</b></a>'],
  ['two roots', '<a>1</a><b>2</b>'],
  ['text after the root', '<a>1</a>x'],
  ['an element that is not closed', '<a><b>1</b>'],
  ['elements that overlap', '<a><b>1</a></b>'],
  ['an attribute without quotes', '<a b=c>1</a>'],
  ['elements too deep', `${'<a>'.repeat(9)}1${'</a>'.repeat(9)}`],
  ['too many elements', `<a>${Array.from({ length: 100 }, (_, i) => `<b${i}>1</b${i}>`).join('')}</a>`],
  ['too long a text', `<a>${'x'.repeat(70_000)}</a>`],
])('%s is no answer', (_what, xml) => {
  expect(readXml(xml)).toBeUndefined();
});

test('any text whatever is read or refused, and none throws', () => {
  const piece = fc.constantFrom('<a>', '</a>', '<b/>', '<', '>', '&amp;', '&', 'x', ' ', '"', '<!', '<?xml v?>', '=');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
      const texts = readXml(pieces.join(''));
      expect(texts === undefined || texts instanceof Map).toBe(true);
    }),
    { numRuns: 2000 },
  );
});

test('what was written is what is read', () => {
  const escape = (text: string): string =>
    text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(readXml(`<a><b>${escape(text)}</b></a>`)?.get('a/b')).toBe(text);
    }),
  );
});
