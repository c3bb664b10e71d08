/** Returns lines in aligned columns under their heads. Rows beyond `most` are counted, not shown. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[], most = Infinity): string[] {
  const shown = [heads, ...rows.slice(0, most)];
  const widths = heads.map((_, i) => Math.max(...shown.map((row) => (row[i] ?? '').length)));
  const lines = shown.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join('  ')
      .trimEnd(),
  );
  return rows.length > most ? [...lines, `… and ${rows.length - most} more`] : lines;
}
