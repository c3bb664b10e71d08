import { copyFile, cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Ran } from '../command.ts';
import { PROCESS, RUN } from '../config.ts';
import { loggedReleases, type LoggedRelease } from '../logged-releases.ts';
import { findPageVerifier } from '../page-verifier.ts';
import type { Part } from '../part.ts';

export const evidence: Part = async ({ stage, checks }) => {
  checks.part('10  An auditor verifies the record, and needs neither the sidecar nor our software');
  const { audit, vkey } = stage;
  const desk = join(stage.folder, 'auditor');
  await rm(desk, { recursive: true, force: true });
  await mkdir(desk);
  // Of the last visit. With the key of the log, from who is responsible for it, that is all that one needs to bring.
  const kept = join(desk, 'kept.checkpoint');
  await copyFile(join(audit, '1/1/checkpoint'), kept);
  const brought = ['--vkey', vkey, '--consistency', kept, '--seen', new Date().toISOString()];
  checks.show('key', vkey);
  await stage.stop();

  const page = await findPageVerifier(desk);
  const byPage = async (claim: string, args: readonly string[], good: (ran: Ran) => boolean): Promise<void> => {
    if (typeof page === 'string') return checks.notRun(claim, page);
    const ran = await page(...args);
    checks.holds(claim, good(ran), told(ran, /^(?:integrity|proof|FAILS)/));
  };

  const verified = await stage.tallystick('audit', 'verify', '--dir', audit, ...brought);
  checks.holds('none of its records was changed, and none is missing', verified.code === 0, told(verified, VERDICT));
  await byPage(
    'a page of Python, with openssl, finds so too',
    [join(audit, '1/1'), vkey, kept],
    ({ code }) => code === 0,
  );

  const release = (await loggedReleases(stage, '--process', PROCESS, '--run', RUN)).at(-1)!;
  const names = ({ code, stdout }: Ran): boolean =>
    code === 1 && new RegExp(`\\brecord ${release.seq}\\b`).test(stdout);
  const changed = join(desk, 'changed');
  await cp(audit, changed, { recursive: true });
  await changeOwner(join(changed, '1/1'), release);
  const refused = await stage.tallystick('audit', 'verify', '--dir', changed, ...brought);
  checks.holds(
    'one byte of a release is changed in a copy: the verifier names the record',
    names(refused),
    told(refused, /\brecord \d/),
  );
  await byPage('so does the page', [join(changed, '1/1'), vkey], names);

  const proof = join(desk, 'release.tlog-proof');
  const record = join(desk, 'release.json');
  const proved = await stage.tallystick('audit', 'prove', release.id, '--dir', audit, '--vkey', vkey, '--out', proof);
  checks.holds(
    'that a token was released is a file of proof and the record, for who has no log',
    proved.code === 0 && (await readFile(record, 'utf8')).includes(release.lease),
    told(proved, /^ +record/),
  );
  await byPage('the page verifies that proof', ['--proof', proof, record, vkey], ({ code }) => code === 0);
};

const VERDICT = /^(?:integrity|completeness)/;

/** Returns the lines of a command's answer that match; without one, all that it wrote. */
function told({ stdout, stderr }: Ran, what: RegExp): string {
  const lines = stdout.split('\n').filter((line) => what.test(line));
  return lines.length === 0 ? stdout + stderr : lines.map((line) => line.trim().replaceAll(/ +/g, ' ')).join('; ');
}

/** Changes a byte of a record, in the newest bundle that has it: another owner answers for the release. */
async function changeOwner(log: string, { id }: LoggedRelease): Promise<void> {
  const folder = join(log, 'tile/entries');
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  const bundles = await Promise.all(files.map(async (path) => ({ path, bytes: await readFile(path) })));
  const holding = bundles.filter(({ bytes }) => bytes.includes(`"id":"${id}"`));
  const { path, bytes } = holding.sort((a, b) => b.bytes.length - a.bytes.length)[0]!;
  bytes[bytes.indexOf('team-payments', bytes.indexOf(`"id":"${id}"`))]! ^= 1;
  await writeFile(path, bytes);
}
