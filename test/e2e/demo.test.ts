// The demo holds all that it claims; and each of its claims about the record fails where it is not so.
import { execFileSync, spawn } from 'node:child_process';
import { appendFileSync, chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { CollectedSpan } from '../../examples/demo/src/collector.ts';
import { runCommand, type Ran } from '../../examples/demo/src/command.ts';
import type { Part, Scene } from '../../examples/demo/src/part.ts';
import { evidence } from '../../examples/demo/src/parts/evidence.ts';
import { lease } from '../../examples/demo/src/parts/lease.ts';
import type { Stage } from '../../examples/demo/src/stage.ts';
import { TALLYSTICK } from '../daemon/daemon.ts';
import { ENVIRONMENT, FROM_SOURCES } from '../daemon/program.ts';
import { readRecords } from '../faults/record-files.ts';
import { describeWithServers, requireServer } from '../servers/require-server.ts';

const MAIN = fileURLToPath(new URL('../../examples/demo/src/main.ts', import.meta.url));
const VERIFIER = fileURLToPath(new URL('../../packages/audit/verify/go', import.meta.url));

/** What commands have answered about an unchanged folder: each is run once for all tests. */
const answers = new Map<string, Promise<Ran>>();
/** What `demo --keep` left. */
let kept: string;
let demo: { code: unknown; output: string };

beforeAll(async () => {
  kept = mkdtempSync(join(tmpdir(), 'tallystick-kept-'));
  const child = spawn(process.execPath, [...FROM_SOURCES, MAIN, '--keep', kept], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  demo = { code: await new Promise((resolve) => child.once('close', resolve)), output };
}, 120_000);
afterAll(() => rmSync(kept, { recursive: true, force: true }));
afterEach(() => void vi.unstubAllEnvs());

test('the demo holds all of its checks', () => {
  expect(demo.output).toMatch(/^[1-9]\d+ checks held, 0 failed(?:, 3 NOT RUN)?$/m);
  expect(demo.code).toBe(0);
  // Plain when it is piped.
  expect(demo.output).not.toContain('\u001b[');
});

describeWithServers(['go'], 'the log that the demo leaves, and the verifier in Go', () => {
  test('is accepted, and refused with one byte of a record changed', () => {
    const binary = join(kept, 'verify-log');
    execFileSync(requireServer('go'), ['build', '-mod=readonly', '-trimpath', '-o', binary, '.'], {
      cwd: VERIFIER,
      env: { ...process.env, CGO_ENABLED: '0', GOTOOLCHAIN: 'local' },
    });
    const judged = async (audit: string): Promise<Ran> =>
      runCommand(binary, [join(audit, '1/1'), vkeyOf(kept)], { cwd: kept, env: {} });
    const changed = /names the record .*\brecord (\d+):/.exec(demo.output)![1]!;
    return Promise.all([
      expect(judged(join(kept, 'state/audit'))).resolves.toMatchObject({ code: 0 }),
      expect(judged(join(kept, 'auditor/changed'))).resolves.toMatchObject({
        code: 1,
        stdout: expect.stringMatching(`record ${changed}\\b`) as string,
      }),
    ]);
  }, 60_000);
});

/** What became of each check of a part. */
interface Played {
  readonly held: readonly string[];
  readonly failed: readonly string[];
  readonly notRun: readonly string[];
}

/** What is changed of a scene before a part is played in it. */
interface Change {
  /** Of the folder that the demo left, a copy of it. */
  readonly folder?: (folder: string) => void;
  readonly span?: (span: CollectedSpan) => CollectedSpan;
  readonly claims?: (claims: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>;
  readonly command?: (args: readonly string[]) => readonly string[];
  readonly ran?: (ran: Ran, args: readonly string[], folder: string) => Ran;
}

/** Plays a part of the demo again, on what it has left. */
async function play(part: Part, change: Change): Promise<Played> {
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-played-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  cpSync(kept, folder, { recursive: true });
  change.folder?.(folder);
  const tallystick = async (...args: readonly string[]): Promise<Ran> => {
    const changed = change.command?.(args) ?? args;
    const run = (): Promise<Ran> =>
      runCommand(process.execPath, [...TALLYSTICK, ...changed], { cwd: folder, env: ENVIRONMENT });
    const question = changed
      .join(' ')
      .replaceAll(folder, '')
      .replace(/--seen \S+/, '');
    const again = change.folder !== undefined || changed[1] === 'prove';
    const asked = again ? run() : (answers.get(question) ?? run());
    if (!again) answers.set(question, asked);
    const ran = await asked;
    return change.ran?.(ran, args, folder) ?? ran;
  };
  const spans = JSON.parse(readFileSync(join(kept, 'spans.json'), 'utf8')) as CollectedSpan[];
  const played = { held: [] as string[], failed: [] as string[], notRun: [] as string[] };
  const scene = {
    stage: { folder, audit: join(folder, 'state/audit'), vkey: vkeyOf(kept), tallystick, stop: async () => {} },
    checks: {
      part: () => {},
      show: () => {},
      holds: (claim: string, value: boolean) => void played[value ? 'held' : 'failed'].push(claim),
      notRun: (claim: string) => void played.notRun.push(claim),
    },
    collector: { spans: spans.map(change.span ?? ((span) => span)), wait: async (enough: () => boolean) => enough() },
    wiretap: { requests: tokens(change.claims ?? ((claims) => claims)).map((token) => ({ token })) },
  };
  await part(scene as unknown as Scene & { stage: Stage });
  return played;
}

/** Returns tokens as they were on the wire, but for what a thief cannot make: their signatures. */
function tokens(change: NonNullable<Change['claims']>): string[] {
  return readRecords(kept)
    .filter(({ type }) => type === 'credential.released')
    .map(({ lease: jti, body }) =>
      [{ alg: 'ES256' }, change({ jti, cnf: { jkt: body.jkt }, tallystick: { lease: jti } }), {}]
        .map((each) => Buffer.from(JSON.stringify(each)).toString('base64url'))
        .join('.'),
    );
}

function vkeyOf(folder: string): string {
  return readFileSync(join(folder, 'state/audit/1/1/vkey'), 'utf8').trim();
}

const withAttribute =
  (name: string, value: string) =>
  (span: CollectedSpan): CollectedSpan =>
    span.name === 'POST /token' ? { ...span, attributes: { ...span.attributes, [name]: value } } : span;

describe('the part about a lease', () => {
  test('holds on what the demo has left', async () => {
    expect(await play(lease, {})).toMatchObject({ held: { length: 4 }, failed: [] });
  });

  test.each<[string, string, Change]>([
    [
      'the log names another run',
      'the run leads to its leases',
      { ran: (ran) => ({ ...ran, stdout: ran.stdout.replaceAll('"run": "2026-11"', '"run": "2026-12"') }) },
    ],
    [
      'the token is bound to another key',
      'the token leads to its record, by the lease id and the key',
      { claims: (claims) => ({ ...claims, cnf: { jkt: 'another' } }) },
    ],
    [
      'no token on the wire has the lease',
      'the token leads to its record, by the lease id and the key',
      { claims: (claims) => ({ ...claims, jti: 'another' }) },
    ],
    [
      'the span names another record',
      'the span leads to its record, by the lease id and the place in the log',
      { span: withAttribute('tallystick.audit.record.id', 'another') },
    ],
    [
      'the span names another place',
      'the span leads to its record, by the lease id and the place in the log',
      { span: withAttribute('tallystick.audit.log.index', '0') },
    ],
    [
      'no span has the lease',
      'the span leads to its record, by the lease id and the place in the log',
      { span: withAttribute('tallystick.lease.id', 'another') },
    ],
    [
      'the record is of another trace',
      'the record leads back: to the trace, the token and the run',
      { span: (span) => ({ ...span, traceId: '0'.repeat(32) }) },
    ],
  ])('fails where %s', async (_, claim, change) => {
    expect((await play(lease, change)).failed).toContain(claim);
  });
});

const VERIFIES = 'none of its records was changed, and none is missing';
const NAMES = 'one byte of a release is changed in a copy: the verifier names the record';
const PROVES = 'that a token was released is a file of proof and the record, for who has no log';
const BY_PAGE = [
  'a page of Python, with openssl, finds so too',
  'so does the page',
  'the page verifies that proof',
] as const;

describe('the part about the evidence', () => {
  test('without Python says what was not run, and fails by none of it', async () => {
    vi.stubEnv('PATH', kept);
    expect(await play(evidence, {})).toEqual({ held: [VERIFIES, NAMES, PROVES], failed: [], notRun: BY_PAGE });
  });

  test('fails where the log was changed', async () => {
    vi.stubEnv('PATH', kept);
    // Of what is under the head, not of a record: the releases can be listed, and the rest of the part is played.
    const folder = (path: string): void => writeFileSync(join(path, 'state/audit/1/1/heads'), 'no heads');
    expect(await play(evidence, { folder })).toMatchObject({ failed: [VERIFIES] });
  });

  test('fails where the verifier does not look at the changed copy, or names another record', async () => {
    vi.stubEnv('PATH', kept);
    const command = (args: readonly string[]): readonly string[] =>
      args.map((arg) => arg.replace('auditor/changed', 'state/audit'));
    expect(await play(evidence, { command })).toMatchObject({ failed: [NAMES] });
    const ran = (whole: Ran): Ran => ({ ...whole, stdout: whole.stdout.replaceAll(/record \d+/g, 'record 999') });
    expect(await play(evidence, { ran })).toMatchObject({ failed: [NAMES] });
  });

  test('fails where the proof is of another record', async () => {
    vi.stubEnv('PATH', kept);
    const command = (args: readonly string[]): readonly string[] =>
      args[1] === 'prove' ? args.map((arg, i) => (i === 2 ? '1/1/0' : arg)) : args;
    expect(await play(evidence, { command })).toMatchObject({ failed: [PROVES] });
  });
});

describeWithServers(['python3', 'openssl'], 'the part about the evidence, by the page of Python', () => {
  test('holds on what the demo has left', async () => {
    expect(await play(evidence, {})).toMatchObject({ held: { length: 6 }, failed: [], notRun: [] });
  });

  test('fails where the log was changed', async () => {
    const folder = (path: string): void => writeFileSync(join(path, 'state/audit/1/1/heads'), 'no heads');
    expect((await play(evidence, { folder })).failed).toContain(BY_PAGE[0]);
  });

  test('fails where the page accepts what was changed', async () => {
    const bin = mkdtempSync(join(tmpdir(), 'tallystick-bin-'));
    onTestFinished(() => rmSync(bin, { recursive: true, force: true }));
    writeFileSync(join(bin, 'python3'), '#!/bin/sh\necho Python 3.11.7\n');
    chmodSync(join(bin, 'python3'), 0o700);
    vi.stubEnv('PATH', `${bin}:${process.env.PATH}`);
    expect(await play(evidence, {})).toMatchObject({ failed: [BY_PAGE[1]] });
  });

  test('fails where the record is not that of the proof, byte for byte', async () => {
    const ran = (whole: Ran, args: readonly string[], folder: string): Ran => {
      if (args[1] === 'prove') appendFileSync(join(folder, 'auditor/release.json'), '\n');
      return whole;
    };
    expect(await play(evidence, { ran })).toMatchObject({ failed: [BY_PAGE[2]] });
  });
});
