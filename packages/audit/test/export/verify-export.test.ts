import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  EXPORT_FORMATS,
  parseManifest,
  RecordError,
  verifyExport,
  type ExportDifference,
  type ExportManifest,
  type Leaf,
  type RecordQuery,
} from '../../src/index.ts';
import { LogWriter, ORIGIN, START_MS } from '../record/log-writer.ts';
import { digestOf, identity, plausibleLog, release, VKEY, mint, suspend } from '../record/plausible-log.ts';
import { exported } from './exported.ts';

const first = plausibleLog();
first.append('log.shard_closed', { cause: 'period', next: ORIGIN.replace(/1$/, '2'), v: 1 });
const second = secondShard();

function secondShard(): LogWriter {
  const log = new LogWriter(ORIGIN.replace(/1$/, '2'), first.nowMs + 1000);
  const { identities } = first;
  const counts = { identities: identities.size, intents: 0, leases: 0 };
  log.append('log.shard_opened', { cause: 'period', ...counts, previous: first.head(), v: 1, vkey: VKEY });
  for (const object of identities.values()) {
    log.identities.set(object.id, object);
    log.append('identity.listed', { identity: object.id, object, suspended: false, v: 1 });
  }
  for (let i = 0; i < 20; i++) release(log, identity('close').id);
  return log;
}

const format = fc.constantFrom(...(Object.keys(EXPORT_FORMATS) as ExportManifest['format'][]));
const query: fc.Arbitrary<RecordQuery> = fc.record(
  {
    identity: fc.constantFrom(identity('close').id, identity('report').id, identity('batch').id),
    run: fc.constantFrom('run-1', 'run-2'),
    outcome: fc.constantFrom('success', 'denied'),
    type: fc.constantFrom('credential.*', 'log.heartbeat', 'identity.*'),
    from: fc.nat(7_200_000).map((ms) => new Date(START_MS + ms).toISOString()),
  },
  { requiredKeys: [] },
);

/** Pieces of any length, as a file is read. */
function pieces(lines: readonly string[], size = 1000): Buffer[] {
  const bytes = Buffer.from(lines.join(''));
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
}

function verified({
  lines,
  manifest,
  leaves,
}: {
  lines: readonly string[];
  manifest: ExportManifest;
  leaves: readonly Leaf[];
}): ExportDifference[] {
  return verifyExport(parseManifest(JSON.stringify(manifest)), pieces(lines), leaves);
}

const codes = (differences: ExportDifference[]): string[] => differences.map(({ code }) => code);

describe('an export', () => {
  it('is found to be what its manifest says, for any query and format', () => {
    fc.assert(
      fc.property(format, query, fc.integer({ min: 1, max: 5000 }), (format, query, size) => {
        const { lines, manifest, leaves } = exported([first, second], format, query);
        expect(verifyExport(parseManifest(JSON.stringify(manifest)), pieces(lines, size), leaves)).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });

  it('adds up: what is selected and what is excluded, by reason, is every leaf under the heads', () => {
    fc.assert(
      fc.property(format, query, (format, query) => {
        const { lines, manifest } = exported([first, second], format, query);
        const excluded = Object.values(manifest.excluded).reduce((sum, count) => sum + count, 0);
        const sizes = manifest.logs.reduce((sum, { size }) => sum + size, 0);
        expect(manifest.selected + excluded).toBe(sizes);
        expect(manifest.file.rows).toBe(manifest.selected);
        expect(lines.length - (EXPORT_FORMATS[format].header === null ? 0 : 1)).toBe(manifest.selected);
        const inRange = Object.values(manifest.countsInRange).reduce((sum, count) => sum + count, 0);
        expect(inRange).toBe(sizes - (manifest.excluded['period'] ?? 0));
      }),
      { numRuns: 40 },
    );
  });

  it('is not what its manifest says when any line is dropped, added or changed', () => {
    const change = fc.constantFrom('drop', 'repeat', 'change', 'move', 'foreign', 'cut');
    fc.assert(
      fc.property(format, change, fc.nat(), fc.nat(), (format, change, at, other) => {
        const whole = exported([first, second], format, { type: 'credential.*' });
        const header = EXPORT_FORMATS[format].header === null ? 0 : 1;
        const i = header + (at % (whole.lines.length - header));
        const j = header + (other % (whole.lines.length - header));
        const line = whole.lines[i]!;
        const end = EXPORT_FORMATS[format].lineEnd;
        const lines = [...whole.lines];
        if (change === 'drop') lines.splice(i, 1);
        else if (change === 'repeat') lines.splice(j, 0, line);
        else if (change === 'change') lines[i] = line.replace('node-7', 'node-8').replace('success', 'succesS');
        else if (change === 'foreign') lines.splice(i, 0, `{"origin":"x"}${end}`);
        else if (change === 'cut') lines[lines.length - 1] = lines.at(-1)!.slice(0, -1);
        else [lines[i], lines[j]] = [lines[j]!, line];
        fc.pre(lines.join('') !== whole.lines.join(''));
        const found = codes(verified({ ...whole, lines }));
        const expected = {
          drop: ['line_missing'],
          repeat: ['line_added'],
          change: ['line_changed'],
          foreign: ['line_added'],
          cut: ['line_changed', 'line_missing'],
          move: ['line_added', 'line_missing', 'line_changed'],
        }[change];
        expect(found.length).toBeGreaterThan(0);
        expect(expected).toEqual(expect.arrayContaining([...new Set(found)]));
      }),
      { numRuns: 80 },
    );
  });

  it('names the line, and the leaf it is of', () => {
    const whole = exported([first, second], 'ndjson', { type: 'identity.listed' });
    const seq = second.leaves[1]!.index;
    const { origin } = second;
    expect(verified({ ...whole, lines: whole.lines.slice(1) })).toEqual([{ code: 'line_missing', origin, seq }]);
    const [one = '', ...rest] = whole.lines;
    expect(
      verified({ ...whole, lines: [one.replace('"active"', '"x"').replace('BP-1042', 'BP-1043'), ...rest] }),
    ).toEqual([{ code: 'line_changed', line: 1, origin, seq }]);
    expect(verified({ ...whole, lines: [one, one, ...rest] })).toEqual([{ code: 'line_added', line: 2 }]);
  });

  it('has the digest that its manifest says, and ends with its last line', () => {
    for (const format of ['ndjson', 'csv', 'ocsf'] as const) {
      const whole = exported([second], format);
      const { lines, manifest } = whole;
      expect(manifest.file.sha256).toBe(digestOf(lines.join('')));
      for (const rest of ['x', lines.at(-1)!, EXPORT_FORMATS[format].lineEnd]) {
        expect(verified({ ...whole, lines: [...lines, rest] })).toEqual([
          { code: 'line_added', line: lines.length + 1 },
        ]);
      }
    }
  });

  it('is not what it says when its header was changed, or it is not UTF-8', () => {
    const whole = exported([first], 'csv');
    const [header = '', ...rest] = whole.lines;
    expect(verified({ ...whole, lines: [header.replace('owner', 'ownér'), ...rest] })).toEqual([{ code: 'start' }]);
    const bytes = Buffer.from(whole.lines.join(''));
    bytes[bytes.length - 10] = 0xff;
    expect(codes(verifyExport(whole.manifest, [bytes], whole.leaves))).toContain('encoding');
  });

  it('is not what it says when a member of the manifest was changed', () => {
    const whole = exported([first, second], 'ndjson', {
      type: 'credential.*',
      from: new Date(START_MS + 60_000).toISOString(),
    });
    const { manifest } = whole;
    const lies: Partial<ExportManifest>[] = [
      { selected: manifest.selected + 1 },
      { cutOff: '2026-11-22T23:59:59.000Z' },
      { excluded: { ...manifest.excluded, period: 1 } },
      { countsInRange: {} },
      { file: { ...manifest.file, sha256: digestOf('another file') } },
      { findings: { late: 1 } },
      { late: [{ id: null, origin: ORIGIN, seq: 1, time: null }] },
      { openIntents: [{ id: null, lease: null, origin: ORIGIN, seq: 1, time: null }] },
      { gaps: [{ detail: 'x', id: null, origin: ORIGIN, rule: 'seq_gap', seq: 1, time: null }] },
    ];
    for (const lie of lies) {
      const [member] = Object.keys(lie);
      expect(verified({ ...whole, manifest: { ...manifest, ...lie } })).toEqual([{ code: 'manifest', member }]);
    }
    expect(codes(verified({ ...whole, manifest: { ...manifest, query: {} } }))).toContain('line_missing');
  });

  it('is nothing without the log it names: another head, another order, a leaf too few or changed', () => {
    const whole = exported([first, second], 'ndjson');
    const { manifest, leaves } = whole;
    const [a, b] = manifest.logs;
    const root = Buffer.alloc(32, 9).toString('base64');
    for (const logs of [[{ ...a!, root }, b!], [{ ...a!, size: a!.size + 1 }, b!], [b!, a!], [a!]]) {
      expect(codes(verified({ ...whole, manifest: { ...manifest, logs } }))).toEqual(['log']);
    }
    expect(codes(verified({ ...whole, leaves: leaves.slice(0, -1) }))).toEqual(['log']);
    expect(codes(verified({ ...whole, leaves: leaves.toSpliced(5, 1, leaves[6]!) }))).toEqual(['log']);
  });

  it('is not made of leaves that are not those under the heads', () => {
    const head = first.head();
    expect(() => exported([first], 'ndjson', {}, { logs: [{ ...head, size: head.size + 1 }] })).toThrow(
      /its head says/,
    );
    const root = Buffer.alloc(32).toString('base64');
    expect(() => exported([first], 'ndjson', {}, { logs: [{ ...head, root }] })).toThrow(/log_invalid/);
    expect(() => exported([second, first], 'ndjson', {}, { logs: [head, second.head()] })).toThrow(/order/);
  });

  it('says what is open, late and missing in the whole of the log, whatever it selects', () => {
    const log = plausibleLog();
    const [intent] = mint(log, identity('close').id);
    const open = new LogWriter();
    for (const leaf of log.leaves.slice(0, intent!.index + 1)) open.appendBytes(leaf.bytes);
    open.identities.set(identity('close').id, identity('close'));
    open.nowMs = log.nowMs + 61_000;
    suspend(open, identity('close'), { effectiveAt: null, late: true });
    const { manifest } = exported([open], 'csv', { type: 'config.loaded' });
    expect(manifest).toMatchObject({
      findings: { intent_open: 1, late: 1 },
      gaps: [{ rule: 'intent_open', seq: intent!.index }],
      late: [{ seq: intent!.index + 1 }],
      logs: [{ incarnation: 1, shard: 1, size: open.leaves.length }],
      openIntents: [{ seq: intent!.index }],
      selected: 1,
      zone: 'Europe/Berlin',
    });
  });
});

describe('a manifest', () => {
  it('is refused with a member that this release could not re-perform', () => {
    const { manifest } = exported([second], 'ndjson');
    expect(parseManifest(JSON.stringify(manifest))).toEqual(manifest);
    for (const bad of [
      { ...manifest, sampled: true },
      { ...manifest, v: 2 },
      { ...manifest, query: { colour: 'x' } },
      null,
    ]) {
      expect(() => parseManifest(JSON.stringify(bad))).toThrow(RecordError);
    }
    expect(() => parseManifest('{')).toThrow(RecordError);
  });
});
