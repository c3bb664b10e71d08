// pnpm bench [--quick] [--json] [NAME…]: measures, prints, and, when it measured everything, writes the table.
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { CATALOG } from './catalog.ts';
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
  await run(positionals.length > 0 ? positionals : Object.keys(CATALOG));
}

async function run(names: readonly string[]): Promise<void> {
  const figures: Figure[] = [];
  for (const name of names) {
    const measurement = await CATALOG[name]!();
    const found = await measurement.measure(values.quick ? 'quick' : 'full');
    for (const each of found) console.log(values.json ? JSON.stringify(each) : line(each));
    figures.push(...found);
  }
  if (values.json || values.quick || positionals.length > 0) return;
  writeFileSync(PAGE, withTable(readFileSync(PAGE, 'utf8'), table(figures, describeEnvironment())));
}
