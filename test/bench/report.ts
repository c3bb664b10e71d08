import type { Figure } from './figure.ts';

const BEGIN = '<!-- figures: written by "pnpm bench" -->';
const END = '<!-- end of figures -->';

/** Returns the table of figures, with the line about where they come from. */
export function table(figures: readonly Figure[], environment: string): string {
  const rows = figures.map((each) =>
    [
      `\`${each.name}\``,
      each.what,
      `${each.ours} ${each.unit}`,
      each.peer === null ? '' : `${each.peer} ${each.unit}${each.peerFixed ? ' (fixed)' : ''}, ${each.against}`,
      each.ratio === null ? '' : String(each.ratio),
      each.goal ?? '',
      each.held === null ? '' : each.held ? 'held' : '**missed**',
    ].join(' | '),
  );
  return [
    `${environment}`,
    '',
    '| figure | what | ours | peer | ratio | goal | |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...rows.map((row) => `| ${row} |`),
  ].join('\n');
}

/**
 * Returns `page` with the table between its two marks replaced.
 *
 * @throws {TypeError} The marks are not there.
 */
export function withTable(page: string, written: string): string {
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin < 0 || end < begin) throw new TypeError('the page has no place for the table');
  return `${page.slice(0, begin + BEGIN.length)}\n${written}\n${page.slice(end)}`;
}

/** Returns one line for people. */
export function line(each: Figure): string {
  const peer =
    each.peer === null ? '' : `; ${each.against} ${each.peer}${each.peerFixed ? ' (fixed)' : ''}, ratio ${each.ratio}`;
  const verdict = each.held === null ? '' : `; ${each.held ? 'held' : 'MISSED'}: ${each.goal}`;
  return `${each.name}: ${each.ours} ${each.unit}${peer}${verdict}`;
}
