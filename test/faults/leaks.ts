/** Something that nobody but its owner may see. */
export interface Canary {
  readonly name: string;
  readonly bytes: Buffer;
}

/** A place that was searched. */
export interface Place {
  readonly name: string;
  readonly content: Buffer;
}

/** That a part of a canary is in a place. */
export interface Leak {
  readonly canary: string;
  readonly place: string;
  /** How it is written there. */
  readonly form: string;
}

/** Bytes of a canary that betray it: a part of a secret is as little to be seen as the whole. */
const PART = 16;

/** Returns where parts of the canaries are, in any form that programs write bytes in. */
export function findLeaks(canaries: readonly Canary[], places: readonly Place[]): Leak[] {
  const needles = new Map<string, Needle[]>();
  for (const { name, bytes } of canaries) {
    for (const [form, text] of parts(bytes).flatMap(forms)) {
      const start = text.slice(0, START);
      needles.set(start, [...(needles.get(start) ?? []), { canary: name, form, text }]);
    }
  }
  const found = places.flatMap(({ name: place, content }) => {
    const text = content.toString('latin1');
    // Base64 in PEM, and texts in JSON, are broken into lines.
    const joined = text.replaceAll(/\s+|\\n/g, '');
    return [...occurrences(text, needles), ...(joined === text ? [] : occurrences(joined, needles))].map(
      ({ canary, form }) => ({ canary, place, form }),
    );
  });
  return [...new Map(found.map((leak) => [Object.values(leak).join(), leak])).values()];
}

interface Needle {
  readonly canary: string;
  readonly form: string;
  readonly text: string;
}

/** Needles are told apart by their first characters: there are thousands, and each place is read once. */
const START = 8;

function occurrences(text: string, needles: ReadonlyMap<string, readonly Needle[]>): Needle[] {
  const found: Needle[] = [];
  for (let i = 0; i + START <= text.length; i++) {
    for (const needle of needles.get(text.slice(i, i + START)) ?? []) {
      if (text.startsWith(needle.text, i)) found.push(needle);
    }
  }
  return found;
}

function parts(bytes: Buffer): Buffer[] {
  const count = Math.max(1, Math.floor(bytes.length / PART));
  return Array.from({ length: count }, (_, i) =>
    bytes.subarray(i * PART, i === count - 1 ? undefined : (i + 1) * PART),
  );
}

function forms(bytes: Buffer): [form: string, text: string][] {
  const hex = bytes.toString('hex');
  const pairs = hex.match(/../g)!;
  return [
    ['raw', bytes.toString('latin1')],
    ['hex', hex],
    ['hex, upper case', hex.toUpperCase()],
    ['a printed Buffer', pairs.join(' ')],
    ['hex with colons', pairs.join(':')],
    ['a list of numbers', [...bytes].join(',')],
    ['a printed list of numbers', [...bytes].join(', ')],
    ['URL-encoded', pairs.map((pair) => `%${pair.toUpperCase()}`).join('')],
    // Wherever it stands in what was encoded, it starts at one of three places of a group.
    ...[0, 1, 2].flatMap((before): [string, string][] => {
      const inner = base64Inside(bytes, before);
      return [
        ['base64', inner],
        ['base64url', inner.replaceAll('+', '-').replaceAll('/', '_')],
        ['base64, URL-encoded', inner.replaceAll('+', '%2B').replaceAll('/', '%2F')],
      ];
    }),
  ];
}

/** Returns those characters of a base64 text that `bytes` alone decide, with so many bytes before them. */
function base64Inside(bytes: Buffer, before: number): string {
  const whole = Buffer.concat([Buffer.alloc(before), bytes]);
  const text = whole.toString('base64').replaceAll('=', '');
  const first = Math.ceil((before * 8) / 6);
  const last = Math.floor((whole.length * 8) / 6);
  return text.slice(first, last);
}
