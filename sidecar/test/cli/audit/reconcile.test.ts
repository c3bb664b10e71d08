import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Receipt, ReceiptMark } from '@tallystick/core';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { Reconciliation } from '../../../src/cli/audit/reconcile/report.ts';
import { NOT_ON_RECORD, runCli } from '../run-cli.ts';
import { AUDIENCE, leaseAt, mark, receipt, receiptsFile } from './reconcile/facts.ts';
import { CLOSE, REPORT, START, vkeyAt, WrittenLogs } from './written-logs.ts';

const BEGUN = Date.parse(START);
const VKEY = vkeyAt({ incarnation: 1, shard: 1 });
const KEY = Buffer.alloc(32).toString('base64url');
const minute = (n: number): string => new Date(BEGUN + n * 60_000).toISOString();

let logs: WrittenLogs;

beforeEach(async () => {
  logs = await WrittenLogs.plausible();
});

/** A receipt of one use, half a minute after a release: the first is of minute 1, and each third is of REPORT. */
function use(release: number, parts: Partial<Receipt> = {}): Receipt {
  const time = new Date(BEGUN + release * 60_000 + 30_000).toISOString();
  const lease = logs.leases[release - 1]!;
  const caller = (release - 1) % 3 === 0 ? REPORT : CLOSE;
  return { ...receipt({ caller, lease, jti: lease, jkt: KEY, count: 1 }), first: time, last: time, ...parts };
}

/** The receipts of an API that was watched all day, in a file. */
function receiptsOf(...lines: readonly (Receipt | ReceiptMark)[]): string {
  const opened = mark({ time: '2026-11-22T07:00:00.000Z' });
  const closed = mark({ time: '2026-11-23T00:00:00.000Z', state: 'closed' });
  return written(receiptsFile([opened, ...lines, closed]));
}

function written(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-receipts-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'receipts.jsonl');
  writeFileSync(file, text);
  return file;
}

async function reconciled(
  args: readonly string[],
  key: readonly string[] = ['--vkey', VKEY],
): Promise<{ code: number; stderr: string; report: Reconciliation }> {
  const { code, stdout, stderr } = await runCli(['audit', 'reconcile', ...args, '--dir', logs.dir, ...key, '--json']);
  return { code, stderr, report: (stdout === '' ? {} : JSON.parse(stdout)) as Reconciliation };
}

const countOf = ({ figures }: Reconciliation, figure: string): number | undefined =>
  figures.find((each) => each.figure === figure)?.count;

describe('receipts that the record bears out', () => {
  test('end with 0, and say what was never seen', async () => {
    const { code, report } = await reconciled([receiptsOf(...[1, 2, 3].map((n) => use(n)))]);
    expect({ code, verdict: report.verdict, findings: report.findings }).toEqual({
      code: 0,
      verdict: 'holds',
      findings: [],
    });
    expect(countOf(report, 'requests_accepted')).toBe(3);
    expect(countOf(report, 'uses_recorded')).toBe(3);
    expect(countOf(report, 'tokens_released')).toBe(60);
    expect(countOf(report, 'tokens_seen')).toBe(3);
    expect(countOf(report, 'tokens_never_seen')).toBe(57);
    expect(report.neverSeen).toHaveLength(57);
    expect(report.neverSeen[0]).toMatchObject({ lease: logs.leases[3], identity: REPORT, credential: 'ledger-api' });
    expect(report.log).toMatchObject({ records: logs.size, from: START, to: minute(60), notJudged: 0 });
    // REPORT was denied a tenth as often, and came nonetheless.
    expect(countOf(report, 'denied')).toBe(1);
    expect(countOf(report, 'denied_came')).toBe(1);
  });

  test('name the grade of every figure, and call the word of a workload what it is', async () => {
    const usage = {
      count: 9,
      first: minute(1),
      last: minute(2),
      lease: logs.leases[1]!,
      process: null,
      target: AUDIENCE,
    };
    await logs.append(
      'usage.reported',
      { final: false, grade: 'reported', jkt: KEY, report: 0, uses: [usage], v: 1 },
      { actor: CLOSE },
    );
    await logs.publish();
    const file = receiptsOf(use(1));
    const { report } = await reconciled([file]);
    expect(new Set(report.figures.map(({ grade }) => grade))).toEqual(
      new Set(['recorded', 'verified-by-api', 'reported']),
    );
    expect(report.figures.find(({ figure }) => figure === 'uses_reported')).toMatchObject({
      count: 9,
      grade: 'reported',
    });
    const { stdout, stderr } = await runCli(['audit', 'reconcile', file, '--dir', logs.dir, '--vkey', VKEY]);
    expect(stdout).toMatch(/^uses reported by workloads +9 +reported$/m);
    expect(stdout).toMatch(/^ {2}leases reported alone +1 +reported$/m);
    expect(stdout).toMatch(/^ {2}of leases on record +1 +verified-by-api$/m);
    expect(stdout).toContain('holds: all that the receipts tell of is on record');
    expect(stdout).toContain('nobody should lose a right by it');
    expect(stderr).toBe(NOT_ON_RECORD);
  });

  test('may be read in any order, from several files', async () => {
    const first = written(receiptsFile([mark({ time: minute(0) }), use(1)]));
    const second = written(receiptsFile([use(2), mark({ time: minute(30), state: 'closed' })], 2));
    const { code, report } = await reconciled([second, first]);
    expect({ code, uses: countOf(report, 'uses_recorded') }).toEqual({ code: 0, uses: 2 });
    expect(report.receipts).toMatchObject({ files: 2, lines: 4, runs: 1, audiences: [AUDIENCE], gaps: 0 });
  });

  test('are counted in a period alone, and compared with releases before it', async () => {
    const file = receiptsOf(use(1), use(2), use(30));
    const { code, report } = await reconciled([file, '--since', minute(20), '--until', minute(40)]);
    expect({ code, uses: countOf(report, 'uses_recorded') }).toEqual({ code: 0, uses: 1 });
    expect(countOf(report, 'tokens_released')).toBe(20);
    const late = receiptsOf(use(1, { first: minute(10), last: minute(10) }));
    expect((await reconciled([late, '--since', minute(5)])).code).toBe(0);
  });
});

describe('a finding', () => {
  test('ends with 1: what was used without a record', async () => {
    const lease = leaseAt(BEGUN + 600_000);
    const { code, report } = await reconciled([receiptsOf(use(1), use(10, { lease, jti: lease, count: 4 }))]);
    expect({ code, verdict: report.verdict, count: report.findingCount }).toEqual({
      code: 1,
      verdict: 'fails',
      count: 1,
    });
    expect(report.findings).toMatchObject([{ code: 'used_without_record', lease, caller: REPORT, count: 4 }]);
    expect(countOf(report, 'uses_without_record')).toBe(4);
  });

  test('names the record that is contradicted, as "prove" takes it', async () => {
    const { code, report } = await reconciled([receiptsOf(use(1, { caller: CLOSE }))]);
    expect(code).toBe(1);
    const [finding] = report.findings;
    expect(finding).toMatchObject({ code: 'identity_differs', recorded: REPORT });
    const out = join(written(''), '..', 'release.tlog-proof');
    const args = [finding!.record!, '--dir', logs.dir, '--vkey', VKEY, '--out', out];
    expect((await runCli(['audit', 'prove', ...args])).code).toBe(0);
  });

  test('is what was used after its identity was suspended', async () => {
    // REPORT is suspended in minute 60.
    const late = { first: minute(59), last: minute(61) };
    const { code, report } = await reconciled([receiptsOf(use(58, late))]);
    expect({ code, findings: report.findings }).toMatchObject({
      code: 1,
      findings: [{ code: 'used_after_suspension', recorded: minute(60) }],
    });
    expect((await reconciled([receiptsOf(use(58, late)), '--tolerance', '2m'])).code).toBe(0);
  });

  test('executes nothing in a terminal', async () => {
    const file = receiptsOf(use(1, { jti: '\u001b[2J\u202e', lease: null }));
    const { stdout } = await runCli(['audit', 'reconcile', file, '--dir', logs.dir, '--vkey', VKEY]);
    expect(stdout).toContain('\\u{1b}[2J\\u{202e} of');
    expect(stdout).not.toContain('\u001b');
  });
});

describe('the log is read for', () => {
  const lease = leaseAt(BEGUN - 1000);

  test('leases that were revoked', async () => {
    const body = {
      by: 'holder',
      effectiveAt: null,
      identity: CLOSE,
      jkt: null,
      late: false,
      operator: null,
      upstream: null,
    } as const;
    await logs.append('credential.revoked', { ...body, leases: [logs.leases[1]!], v: 1 }, { actor: CLOSE });
    await logs.publish();
    const { report } = await reconciled([receiptsOf(use(2), use(2, { first: minute(61), last: minute(61) }))]);
    expect(report.findings).toMatchObject([{ code: 'used_after_revocation', recorded: minute(60), count: 1 }]);
  });

  test('releases that did not leave', async () => {
    await logs.append('credential.undelivered', { v: 1 }, { actor: CLOSE, lease: logs.leases[1]!, outcome: 'failed' });
    await logs.publish();
    const { report } = await reconciled([receiptsOf(use(1))]);
    expect([countOf(report, 'tokens_undelivered'), report.neverSeen.length]).toEqual([1, 58]);
  });

  test('leases that an earlier log has released', async () => {
    await logs.append('log.carried', { intents: [], leases: [lease], v: 1 });
    await logs.publish();
    const { code, report } = await reconciled([receiptsOf(use(1, { lease, jti: lease }))]);
    expect({ code, count: countOf(report, 'uses_from_before') }).toEqual({ code: 0, count: 1 });
  });

  test('releases of what leaves no receipts, which are no tokens that nobody has seen', async () => {
    await logs.release(CLOSE, 'run-1', { handles: { databaseUser: 'v-close-1' } });
    await logs.publish();
    const { report } = await reconciled([receiptsOf(use(1))]);
    expect(countOf(report, 'releases_without_receipts')).toBe(1);
    expect(countOf(report, 'tokens_released')).toBe(60);
  });
});

test('refusals are counted by their code, also of requests that showed no token', async () => {
  const stranger = { issuer: null, caller: null, lease: null, jti: null, audience: null, jkt: null };
  const file = receiptsOf(
    use(1, { verdict: 'invalid_token', reason: 'token_expired', count: 2 }),
    use(1, { ...stranger, verdict: 'token_missing', reason: 'no_credentials', count: 30 }),
    use(2, { ...stranger, verdict: 'token_missing', reason: 'no_credentials', count: 1 }),
  );
  const { code, report } = await reconciled([file, '--issuer', 'https://tallystick.acme.example']);
  expect(code).toBe(0);
  expect(countOf(report, 'requests_refused')).toBe(33);
  expect(report.refused).toEqual({ invalid_token: 2, token_missing: 31 });
});

describe('what cannot be told ends with 3', () => {
  test('whose log it is, by the key of the folder', async () => {
    const { code, report } = await reconciled([receiptsOf(use(1))], []);
    expect({ code, notShown: report.notShown }).toEqual({ code: 3, notShown: ['key_of_folder'] });
  });

  test('what a line that cannot be read says', async () => {
    const file = written(`${receiptsFile([mark({ time: minute(0) })])}{"v":1,\n${receiptsFile([use(1)], 1)}`);
    const { code, report } = await reconciled([file]);
    expect({ code, notShown: report.notShown }).toEqual({ code: 3, notShown: ['receipts_unreadable'] });
    expect(report.receipts.faults).toEqual([expect.stringContaining(`${file}:2: `)]);
  });

  test('what a line that is missing said, or the receipts that an API has lost', async () => {
    const gap = written(receiptsFile([mark({ time: minute(0) })]) + receiptsFile([use(1)], 2));
    expect((await reconciled([gap])).report.notShown).toEqual(['receipts_missing']);
    const lost = receiptsOf(use(1), mark({ time: minute(30), state: 'written', lost: 5 }));
    expect((await reconciled([lost])).report.notShown).toEqual(['receipts_lost']);
  });

  test('what was used before the log, or since', async () => {
    const newer = use(1, { lease: null, jti: 'x', first: minute(60), last: minute(60) });
    expect((await reconciled([receiptsOf(newer)])).report.notShown).toEqual(['uses_newer']);
    const older = use(1, { lease: null, jti: 'x', first: minute(-9), last: minute(-8) });
    expect((await reconciled([receiptsOf(older)])).report.notShown).toEqual(['uses_older']);
  });

  test('anything, without receipts, or with records of a later release', async () => {
    expect((await reconciled([written('')])).report.notShown).toEqual(['no_receipts']);
    await logs.appendLater();
    await logs.publish();
    expect((await reconciled([receiptsOf(use(1))])).report.notShown).toEqual(['log_not_judged']);
  });

  test('but not where something fails all the same', async () => {
    const { code, report } = await reconciled([receiptsOf(use(1, { jkt: null }))], []);
    expect({ code, verdict: report.verdict, notShown: report.notShown }).toEqual({
      code: 1,
      verdict: 'fails',
      notShown: ['key_of_folder'],
    });
  });
});

test('a file that was torn at its end is judged by its whole lines', async () => {
  const whole = receiptsFile([mark({ time: minute(0) }), use(1), use(2)]);
  const { code, report } = await reconciled([written(whole.slice(0, -40))]);
  expect({ code, uses: countOf(report, 'uses_recorded'), torn: report.receipts.torn }).toEqual({
    code: 0,
    uses: 1,
    torn: 1,
  });
});

test('tokens of other issuers are passed over where one is named, and judged where none is', async () => {
  const file = receiptsOf(use(1), use(2, { issuer: 'https://as.partner.example', jti: 'p-1', lease: null, count: 7 }));
  expect((await reconciled([file])).report.findings).toMatchObject([{ code: 'used_without_record', jti: 'p-1' }]);
  const { code, report } = await reconciled([file, '--issuer', 'https://tallystick.acme.example']);
  expect({ code, other: report.receipts.otherIssuers }).toEqual({ code: 0, other: 7 });
});

test('a log that was changed is not compared with anything', async () => {
  const { path, at } = logs.bundle('"entitled"');
  logs.flip(path, at);
  const { code, stderr, report } = await reconciled([receiptsOf(use(1))]);
  expect({ code, report }).toEqual({ code: 2, report: {} });
  expect(stderr).toContain('are not those under its signed head');
});

test.each<[string, readonly string[]]>([
  ['no file', []],
  ['a tolerance that is no duration', ['x', '--tolerance', 'soon']],
  ['a time without a zone', ['x', '--since', '2026-11-22T08:00:00']],
  ['a file that is not there', ['/nowhere/receipts.jsonl']],
])('%s ends with 2', async (_, args) => {
  expect((await reconciled(args)).code).toBe(2);
});
