// "pnpm faults": every fault suite at its full counts, and those of the log. Prints the seed, and writes the table into
// README.md.
import { spawn, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemRandom } from '@tallystick/core';

/** What vitest's JSON reporter tells, as far as it is used. */
interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly {
      readonly title: string;
      readonly status: string;
      readonly meta?: { readonly tried?: number };
    }[];
  }[];
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const README = fileURLToPath(new URL('README.md', import.meta.url));
/** Crashed machines and killed processes of the log, which are proven beside its parts: at their full counts, too. */
const OF_THE_LOG = [
  'packages/audit/test/journal/crash-images',
  'packages/audit/test/journal/killed',
  'packages/audit/test/log/crash-images',
  'packages/audit/test/log/killed',
  'packages/audit/test/anchor/witness-killed',
];
const [START, END] = ['<!-- faults: written by "pnpm faults" -->', '<!-- end of faults -->'];

const seed = process.env.TALLYSTICK_SEED ?? String(Buffer.from(systemRandom.bytes(4)).readUInt32LE(0));
const folder = mkdtempSync(join(tmpdir(), 'tallystick-faults-'));
const counts = join(folder, 'counts');
const output = join(folder, 'report.json');
writeFileSync(counts, '');
process.stdout.write(`seed ${seed}\n`);
const child = spawn(
  join(ROOT, 'node_modules/.bin/vitest'),
  ['run', 'test/faults', ...OF_THE_LOG, '--reporter=default', '--reporter=json', `--outputFile.json=${output}`],
  {
    cwd: ROOT,
    env: {
      TALLYSTICK_CRASH_IMAGES: '6000',
      TALLYSTICK_KILLS: '100',
      ...process.env,
      TALLYSTICK_FAULTS: 'full',
      TALLYSTICK_SEED: seed,
      TALLYSTICK_FAULT_COUNTS: counts,
    },
    stdio: 'inherit',
  },
);
process.exitCode = await new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? 1)));

if (existsSync(output)) {
  writeTable();
} else {
  process.stderr.write('vitest ended before it had reported: the table is as it was\n');
  process.exitCode ||= 1;
}
rmSync(folder, { recursive: true, force: true });

/** Returns the name of a suite; those of the log are named by their part too. */
function suiteOf(path: string): string {
  const name = basename(path, '.test.ts');
  return dirname(path) === import.meta.dirname ? name : `audit ${basename(dirname(path))}/${name}`;
}

function writeTable(): void {
  const counted = new Map(
    readFileSync(counts, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => line.split('\t') as [string, string]),
  );
  const report = JSON.parse(readFileSync(output, 'utf8')) as Report;
  const rows = new Map<string, { tried: number; failed: number }>();
  for (const { name, assertionResults } of report.testResults.toSorted((a, b) => a.name.localeCompare(b.name))) {
    for (const { title, status, meta } of assertionResults) {
      const plain = title.replace(/ \(seed \d+\)$/, '');
      // One row for all the files of which the same is shown.
      const rule = plain.replace(/^[\w-]+\.yaml: /, '');
      const row = `| ${suiteOf(name)} | ${rule.replaceAll('|', '\\|')} |`;
      const { tried, failed } = rows.get(row) ?? { tried: 0, failed: 0 };
      rows.set(row, {
        tried: tried + (meta?.tried ?? Number(counted.get(plain) ?? 1)),
        failed: failed + Number(status !== 'passed'),
      });
    }
  }
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: ROOT, encoding: 'utf8' }).trim();
  const table = [
    START,
    '',
    `Seed ${seed}, ${new Date().toISOString().slice(0, 10)}, at ${commit}.`,
    '',
    '| suite | rule | tried | failed |',
    '| --- | --- | --- | --- |',
    ...[...rows].map(([row, { tried, failed }]) => `${row} ${tried} | ${failed} |`),
    '',
    END,
  ].join('\n');
  const page = readFileSync(README, 'utf8');
  writeFileSync(README, page.slice(0, page.indexOf(START)) + table + page.slice(page.indexOf(END) + END.length));
}
