import type { Figure } from './figure.ts';

const beginOf = (command: string): string => `<!-- figures: written by "${command}" -->`;
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
 * Returns `page` with the table that a command writes replaced, between its two marks.
 *
 * @throws {TypeError} The marks are not there.
 */
export function withTable(page: string, written: string, command = 'pnpm bench'): string {
  const mark = beginOf(command);
  const begin = page.indexOf(mark);
  const end = page.indexOf(END, begin);
  if (begin < 0 || end < 0) throw new TypeError('the page has no place for the table');
  return `${page.slice(0, begin + mark.length)}\n${written}\n${page.slice(end)}`;
}

/** Returns one line for people. */
export function line(each: Figure): string {
  const peer =
    each.peer === null ? '' : `; ${each.against} ${each.peer}${each.peerFixed ? ' (fixed)' : ''}, ratio ${each.ratio}`;
  const verdict = each.held === null ? '' : `; ${each.held ? 'held' : 'MISSED'}: ${each.goal}`;
  return `${each.name}: ${each.ours} ${each.unit}${peer}${verdict}`;
}
