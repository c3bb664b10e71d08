import { printable } from '@tallystick/core';
import { constructFromEvents, EVENT_ID, parseEvents, YAMLException, type Event } from 'js-yaml';
import { formatPath, nameOf, type Fault, type Mistake } from './fault.ts';
import { yamlPlaces, type Places } from './yaml-places.ts';

/** A YAML text as data, and the way back from a value to its line. */
export interface ParsedYaml {
  /** The first document as JSON would have it; undefined when it could not be read. */
  readonly value: unknown;
  /** What YAML itself refuses: syntax, keys given twice, tags. */
  readonly mistakes: readonly Mistake[];
  /** Puts a fault in its line. */
  readonly explain: (fault: Fault) => Mistake;
}

/** Nesting that no configuration needs; it bounds the stack. */
const MAX_DEPTH = 32;
/** Aliases are a few characters that stand for a whole tree: they are counted, and what they expand to is too. */
const MAX_ALIASES = 10_000;
const MAX_VALUES = 500_000;

/**
 * Parses a YAML 1.2 text by the core schema: no merge keys, no dates, no foreign tags, each key once. Never throws.
 */
export function parseYaml(source: string): ParsedYaml {
  let events: readonly Event[] = [];
  let places: Places | undefined;
  const lines = lazyLines(source);
  const placesOf = (): Places => (places ??= yamlPlaces(source, events));
  const at = (offset: number, path: string, message: string, remedy: string): Mistake => ({
    ...lines(offset),
    path,
    message,
    remedy,
  });
  const explain = ({ path, place, message, remedy }: Fault): Mistake =>
    at(placesOf().offsetOf(path, place), formatPath(path), message, remedy);
  const refuse = (error: unknown): Mistake => {
    const { reason, mark } = error instanceof YAMLException ? error : { reason: 'it cannot be read', mark: undefined };
    return at(mark?.position ?? 0, '', `the file is not YAML: ${printable(reason)}`, remedyOf(reason));
  };
  const construct = (json: boolean): unknown =>
    constructFromEvents(events as Event[], { source, json, maxAliases: MAX_ALIASES })[0];

  const mistakes: Mistake[] = [];
  let value: unknown;
  try {
    events = parseEvents(source, { maxDepth: MAX_DEPTH });
    const documents = countOf(events, EVENT_ID.DOCUMENT);
    if (documents === 0)
      mistakes.push(
        at(0, '', 'the file is empty', 'write a configuration; "tallystick init" writes one to begin with'),
      );
    if (documents > 1) {
      mistakes.push(
        at(secondDocument(source), '', 'the file has several documents', 'keep one, without "---" between'),
      );
    }
    if (mistakes.length === 0) value = construct(false);
  } catch (error) {
    // The parser stops at the first key that is given twice; all are named, and the rest is judged without them.
    const { duplicates } = events.length > 0 ? placesOf() : { duplicates: [] };
    for (const { path, offset } of duplicates) {
      mistakes.push(at(offset, formatPath(path), `${nameOf(path)} is given twice`, 'keep one of the two'));
    }
    try {
      if (duplicates.length === 0) throw error;
      value = construct(true);
    } catch (rest) {
      mistakes.push(refuse(rest));
    }
  }
  if (countOf(events, EVENT_ID.ALIAS) > 0 && valueCount(value, MAX_VALUES) >= MAX_VALUES) {
    value = undefined;
    mistakes.push(
      at(0, '', 'the file expands to too much by its aliases', 'write out what its aliases ("*name") stand for'),
    );
  }
  return { value, mistakes, explain };
}

function remedyOf(reason: string): string {
  if (/\btag\b/.test(reason)) return 'remove the tag: values are text, numbers, true and false';
  if (/\balias/.test(reason)) return 'write out what the alias ("*name") stands for';
  return SYNTAX_REMEDY;
}

const SYNTAX_REMEDY =
  'correct this line or the one before: indent by spaces, close quotes and brackets, and quote text that has ": " or " #" in it';

/** Where the line of dashes stands that begins another document. The first may begin with one too. */
function secondDocument(source: string): number {
  const dashes = [...source.matchAll(/^---(?=\s|$)/gm)];
  return dashes.findLast(({ index }) => /\S/.test(source.slice(0, index)))?.index ?? 0;
}

function countOf(events: readonly Event[], type: Event['type']): number {
  let count = 0;
  for (const event of events) if (event.type === type) count++;
  return count;
}

/** Counts values, up to `limit`: what aliases share, or turn into a circle, counts each time it is met. */
function valueCount(value: unknown, limit: number): number {
  const left = [value];
  let count = 0;
  for (; left.length > 0 && count < limit; count++) {
    const next = left.pop();
    if (typeof next === 'object' && next !== null) {
      for (const child of Object.values(next)) if (typeof child === 'object') left.push(child);
      count += Object.keys(next).length;
    }
  }
  return count;
}

/** Returns a function from an offset to its line and column, both 1-based. */
function lazyLines(source: string): (offset: number) => { line: number; column: number } {
  let starts: number[] | undefined;
  return (offset) => {
    if (!starts) {
      starts = [0];
      for (let end = source.indexOf('\n'); end >= 0; end = source.indexOf('\n', end + 1)) starts.push(end + 1);
    }
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - starts[low]! + 1 };
  };
}
