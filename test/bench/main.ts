// pnpm bench [--quick] [--json] [NAME…]: measures, prints, and writes the table: that of everything, or of a measurement
// that has one of its own.
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { BY_NAME_ALONE, CATALOG } from './catalog.ts';
import { describeEnvironment } from './environment.ts';
import type { Figure } from './figure.ts';
import { line, table, withTable } from './report.ts';

const PAGE = new URL('README.md', import.meta.url);

const { values, positionals } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const unknown = positionals.filter((name) => !Object.hasOwn(CATALOG, name));
if (unknown.length > 0) {
  console.error(`there is no measurement "${unknown.join('", "')}"; there are: ${Object.keys(CATALOG).join(', ')}`);
  process.exitCode = 2;
} else {
  await run(
    positionals.length > 0 ? positionals : Object.keys(CATALOG).filter((name) => !BY_NAME_ALONE.includes(name)),
  );
}

async function run(names: readonly string[]): Promise<void> {
  const figures: Figure[] = [];
  for (const name of names) {
    const measurement = await CATALOG[name]!();
    const found = await measurement.measure(values.quick ? 'quick' : 'full');
    for (const each of found) console.log(values.json ? JSON.stringify(each) : line(each));
    figures.push(...found);
  }
  const command = ['pnpm bench', ...positionals].join(' ');
  const hasTable = positionals.length === 0 || (positionals.length === 1 && BY_NAME_ALONE.includes(positionals[0]!));
  if (values.json || values.quick || !hasTable) return;
  writeFileSync(PAGE, withTable(readFileSync(PAGE, 'utf8'), table(figures, describeEnvironment()), command));
}
