/** Answers of STS have two or three kilobytes. */
const MAX_LENGTH = 65_536;
const MAX_ELEMENTS = 100;
const MAX_DEPTH = 8;

const DECLARATION = /^\s*(?:<\?xml [^?<>]{1,100}\?>)?/;
/** An opening, closing or empty element with plain attributes, or the text up to the next. */
const TOKEN = /<(\/?)([A-Za-z][A-Za-z0-9._-]{0,63})((?:\s+[A-Za-z:]{1,32}="[^"<&]{0,200}")*)\s*(\/?)>|([^<]+)/y;
const ENTITIES: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&apos;': "'",
};

/**
 * Returns the texts of an XML document by the path of their elements, `ErrorResponse/Error/Code`; undefined for all that
 * is not as AWS writes it: a document type, comments, sections, entities but the five of XML itself, text beside elements,
 * an element that comes twice, or more of it than any answer has. Nothing is expanded or fetched.
 */
export function readXml(text: string): ReadonlyMap<string, string> | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const texts = new Map<string, string>();
  const open: Element[] = [];
  let elements = 0;
  TOKEN.lastIndex = DECLARATION.exec(text)![0].length;
  while (TOKEN.lastIndex < text.length) {
    const [, closing, name, attributes, empty, content] = TOKEN.exec(text) ?? [];
    const parent = open.at(-1);
    if (content !== undefined) {
      if (parent) parent.text += content;
      else if (content.trim() !== '') return undefined;
    } else if (name === undefined) {
      return undefined;
    } else if (closing === '/') {
      if (parent?.name !== name || attributes !== '' || empty !== '') return undefined;
      if (!close(open, texts)) return undefined;
    } else {
      if ((!parent && elements > 0) || ++elements > MAX_ELEMENTS || open.length === MAX_DEPTH) return undefined;
      if (parent?.inner.has(name)) return undefined;
      parent?.inner.add(name);
      open.push({ name, text: '', inner: new Set() });
      if (empty === '/' && !close(open, texts)) return undefined;
    }
  }
  return open.length === 0 && elements > 0 ? texts : undefined;
}

interface Element {
  readonly name: string;
  text: string;
  /** Names of the elements in it. */
  readonly inner: Set<string>;
}

/** Ends the innermost element. False where it is not as it should be. */
function close(open: Element[], texts: Map<string, string>): boolean {
  const path = open.map(({ name }) => name).join('/');
  const { text, inner } = open.pop()!;
  if (inner.size > 0) return text.trim() === '';
  const plain = decode(text);
  if (plain === undefined) return false;
  texts.set(path, plain);
  return true;
}

function decode(text: string): string | undefined {
  if (/&(?!(?:amp|lt|gt|quot|apos);)/.test(text)) return undefined;
  return text.replaceAll(/&[a-z]+;/g, (entity) => ENTITIES[entity]!);
}
