import { canonicalJson, type Json } from '@tallystick/core';
import type { Leaf } from '../record/leaf.ts';
import { createExportRun } from './export-run.ts';
import { EXPORT_FORMATS, headFault } from './exporter.ts';
import type { ExportFormat, LinePlace } from './export-format.ts';
import type { ExportManifest } from './manifest.ts';

/** One way in which an export is not what its manifest and the log say. */
export type ExportDifference =
  /** The leaves are not those under the heads of the manifest: nothing else can be said of the export. */
  | { readonly code: 'log'; readonly detail: string }
  /** A member of the manifest is not what was derived again. */
  | { readonly code: 'manifest'; readonly member: string }
  /** The file is not UTF-8. */
  | { readonly code: 'encoding' }
  /** The file does not begin as one of its format does. */
  | { readonly code: 'start' }
  /** A record that the query selects is not in the file. */
  | { readonly code: 'line_missing'; readonly origin: string; readonly seq: number }
  /** A line of the file, counted from 1, is of no record that the query selects, or is there twice. */
  | { readonly code: 'line_added'; readonly line: number }
  /** A line, counted from 1, is not what its leaf says. */
  | { readonly code: 'line_changed'; readonly line: number; readonly origin: string; readonly seq: number };

/** The most differences that are told one by one. */
const MAX_DIFFERENCES = 1000;

/**
 * Makes an export again from the leaves of its logs and returns what differs; nothing where it is what it says.
 *
 * The leaves come in the order of `manifest.logs`, each log from its first leaf. Whether the heads are signed by whom
 * one trusts is for the caller: `manifest.logs[].checkpoint`.
 *
 * @param file The bytes of the export, in pieces of any length.
 */
export function verifyExport(
  manifest: ExportManifest,
  file: Iterable<Uint8Array>,
  leaves: Iterable<Leaf>,
): ExportDifference[] {
  const format = EXPORT_FORMATS[manifest.format];
  const run = createExportRun(format, manifest.query);
  const differences: ExportDifference[] = [];
  const differ = (difference: ExportDifference): void => {
    if (differences.length < MAX_DIFFERENCES) differences.push(difference);
  };

  const lines = splitLines(
    decoded(file, () => differ({ code: 'encoding' })),
    format.lineEnd,
  );
  const compare = createLineComparison(format, manifest, lines, differ);
  if (run.start !== '') compare.start(run.start);
  for (const leaf of leaves) {
    const line = run.add(leaf);
    if (line !== null) compare.expect({ origin: leaf.origin, seq: leaf.index }, line);
  }
  compare.end();

  const { derived, heads } = run.finish();
  const fault = headFault(manifest.logs, heads);
  if (fault !== undefined) return [{ code: 'log', detail: fault }];
  for (const [member, value] of Object.entries(derived)) {
    if (text(value) !== text(manifest[member as keyof ExportManifest])) differ({ code: 'manifest', member });
  }
  return differences;
}

function text(value: unknown): string {
  return canonicalJson(value as Json);
}

/**
 * Compares the lines of a file with those that it must have, both in the order of the log: a merge, in no space. A line
 * that stands before one that belongs before it is taken as added there, and does not make all between them missing.
 */
function createLineComparison(
  format: ExportFormat,
  manifest: ExportManifest,
  lines: Iterator<string>,
  differ: (difference: ExportDifference) => void,
) {
  const order = new Map(manifest.logs.map(({ origin }, i) => [origin, i]));
  let number = 1;
  let next = read();
  let following = read();

  function read(): string | undefined {
    const { value, done } = lines.next();
    return done ? undefined : value;
  }
  const advance = (): void => {
    next = following;
    following = read();
    number += 1;
  };
  const skip = (): void => {
    differ({ code: 'line_added', line: number });
    advance();
  };
  /** Below zero for a line that belongs before the place, or nowhere; above zero for one that belongs after it. */
  const compare = (line: string, place: LinePlace): number => {
    const found = format.place(line);
    const log = found && order.get(found.origin);
    return found === undefined || log === undefined ? -1 : log - order.get(place.origin)! || found.seq - place.seq;
  };
  const isOut = (line: string, place: LinePlace): boolean => {
    const side = compare(line, place);
    return side < 0 || (side > 0 && following !== undefined && compare(following, place) === 0);
  };
  return {
    start(line: string): void {
      if (next !== line) differ({ code: 'start' });
      advance();
    },
    expect(place: LinePlace, line: string): void {
      while (next !== undefined && isOut(next, place)) skip();
      if (next === undefined || compare(next, place) > 0) {
        differ({ code: 'line_missing', ...place });
        return;
      }
      if (next !== line) differ({ code: 'line_changed', line: number, ...place });
      advance();
    },
    end(): void {
      while (next !== undefined) skip();
    },
  };
}

/** Yields the text of bytes, up to the first piece that is not UTF-8. */
function* decoded(file: Iterable<Uint8Array>, onFault: () => void): Generator<string> {
  const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  try {
    for (const piece of file) yield utf8.decode(piece, { stream: true });
    yield utf8.decode();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    onFault();
  }
}

/** Yields lines with their ends. The last one may have none, and is then not what any line must be. */
function* splitLines(file: Iterable<string>, lineEnd: string): Generator<string> {
  let rest = '';
  for (const piece of file) {
    rest += piece;
    let from = 0;
    for (let at = rest.indexOf(lineEnd); at >= 0; at = rest.indexOf(lineEnd, from)) {
      yield rest.slice(from, at + lineEnd.length);
      from = at + lineEnd.length;
    }
    rest = rest.slice(from);
  }
  if (rest !== '') yield rest;
}
