import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EXPORT_FORMATS, neutralText, recordOf, type AuditRecord, type Leaf } from '../../src/index.ts';
import { LogWriter } from '../record/log-writer.ts';
import { asked, plausibleLog, processOf } from '../record/plausible-log.ts';
import { exported } from './exported.ts';

const { csv, ndjson } = EXPORT_FORMATS;

/** Reads a line of RFC 4180, by its grammar alone. */
function cells(line: string): string[] {
  const found: string[] = [];
  let rest = line;
  for (;;) {
    const match = /^"((?:[^"]|"")*)"(,|$)/.exec(rest);
    if (!match) throw new Error(`not a line of CSV: ${rest.slice(0, 40)}`);
    found.push(match[1]!.replaceAll('""', '"'));
    if (match[2] === '') return found;
    rest = rest.slice(match[0].length);
  }
}

/** What makes a spreadsheet compute, or a terminal obey. */
function isDangerous(cell: string): boolean {
  return /^[\s\u00a0]*[=+\-@\uff1d\uff0b\uff0d\uff20]/u.test(cell) || /[\p{Cc}\p{Cf}\u2028\u2029]/u.test(cell);
}

const nasty = fc.oneof(
  fc.constantFrom(
    '=1+1',
    '+1',
    '-1',
    '@SUM(A1)',
    ' =1',
    '\t=1',
    '\r\n=1',
    '"=1',
    '"",=1',
    ';=1',
    '＝1',
    '＋1',
    '－1',
    '＠x',
    '\u200b=1',
    '\u00a0=1',
    '\u0007=1',
    '\u202e=1',
  ),
  fc.string({ unit: 'binary' }),
);

describe('CSV', () => {
  it('has one line a record and as many cells as its header, in the order of the header', () => {
    const log = plausibleLog();
    const { lines } = exported([log], 'csv');
    const [names = [], ...rows] = lines.map((line) => cells(line.slice(0, -2)));
    expect(rows).toHaveLength(log.leaves.length);
    for (const row of rows) expect(row).toHaveLength(names.length);
    const denied = rows
      .map((row) => Object.fromEntries(names.map((name, i) => [name, row[i]])))
      .find(({ type }) => type === 'credential.denied');
    expect(denied).toMatchObject({
      outcome: 'denied',
      owner: 'team-batch',
      process_match: 'true',
      process_run_claimed: '\'=HYPERLINK("http://evil.example")',
      lease: '',
    });
    const commands = rows.filter((row) => row[names.indexOf('type')] === 'identity.resumed');
    expect(commands.map((row) => row[names.indexOf('operator_login_uid')])).toEqual(['unattributed']);
  });

  it('has no cell that a spreadsheet executes, whatever stands in a record', () => {
    fc.assert(
      fc.property(nasty, (text) => {
        expect(isDangerous(neutralText(text))).toBe(false);
      }),
      { numRuns: 2000 },
    );
    fc.assert(
      fc.property(fc.array(nasty, { minLength: 8, maxLength: 8 }), (texts) => {
        const [actor, reason, run, node, audience, scope, type, owner] = texts as [
          string,
          string,
          string,
          string,
          string,
          string,
          string,
          string,
        ];
        const body = asked({
          from: { node, pid: 1, podUid: null, uid: 1 },
          granted: { audience, scope: [scope] },
          name: node,
          provider: type,
        });
        const record = new LogWriter().record('credential.released', body);
        // As if the shapes had let it through: what writes a file for people trusts nobody.
        const leaf = {
          origin: reason,
          index: 0,
          bytes: Buffer.alloc(0),
          hash: Buffer.alloc(32),
          content: { known: true, record },
        } as Leaf;
        const line = csv.line(leaf, {
          ...record,
          actor,
          origin: owner,
          process: processOf(run),
          reason,
          owner: { accountable: null, backup: null, id: owner, kind: 'team' },
        } as AuditRecord);
        expect(cells(line).filter(isDangerous)).toEqual([]);
        expect(line).not.toMatch(/[\r\n]/);
      }),
      { numRuns: 500 },
    );
  });

  it('leaves what is harmless as it is', () => {
    for (const text of [
      '',
      'a=b',
      'spiffe://acme.example/x',
      "o'brien",
      '2026-11-22T08:00:00.000Z',
      'Monatsabschluß',
      'a "b" c',
    ]) {
      expect(neutralText(text)).toBe(text);
    }
  });
});

describe('NDJSON', () => {
  it('has the bytes of each leaf, so that a line can be proved to be in the log', () => {
    for (const leaf of plausibleLog().leaves) {
      const line = ndjson.line(leaf, recordOf(leaf)!);
      expect(Buffer.from(line).equals(leaf.bytes)).toBe(true);
      expect(line).not.toContain('\n');
    }
  });
});
