import fc from 'fast-check';
import { canonicalJson, type Json } from '@tallystick/core';
import { describe, expect, it } from 'vitest';
import { encodeRecord, MAX_RECORD_LENGTH, parseRecord, RecordError, type AuditRecord } from '../../src/index.ts';
import { LogWriter } from './log-writer.ts';
import { asked, digestOf, identity, OPERATOR, plausibleLog, processOf } from './plausible-log.ts';

const { leaves } = plausibleLog();
const records = leaves.map(({ content }) => (content as { record: AuditRecord }).record);
const released = records.find(({ type }) => type === 'credential.released')!;

function faultOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof RecordError) return error.fault;
    throw error;
  }
  return 'none';
}

const encodeFault = (record: object): string => faultOf(() => encodeRecord(record as AuditRecord));
const parseFault = (value: unknown): string =>
  faultOf(() => parseRecord(Buffer.from(typeof value === 'string' ? value : canonicalJson(value as Json))));

/** Every place in a record where a member may be put, as a path. */
function objectsIn(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [];
  const below = Object.entries(value).flatMap(([name, each]) => objectsIn(each, [...path, name]));
  return Array.isArray(value) ? below : [path, ...below];
}

function withMember(record: object, path: readonly string[], name: string, member: unknown): object {
  const copy = structuredClone(record);
  let object = copy as Record<string, unknown>;
  for (const step of path) object = object[step] as Record<string, unknown>;
  Object.defineProperty(object, name, { value: member, enumerable: true });
  return copy;
}

describe('the bytes of a record', () => {
  it('are its canonical JSON, and say what was recorded, for every type', () => {
    expect(new Set(records.map(({ type }) => type)).size).toBeGreaterThan(18);
    for (const record of records) {
      const bytes = encodeRecord(record);
      expect(bytes.toString()).toBe(canonicalJson(record as unknown as Json));
      expect(parseRecord(bytes)).toEqual({ known: true, record });
    }
  });

  it('are the same whatever the order of the members', () => {
    const reversed = (value: unknown): unknown =>
      Array.isArray(value)
        ? value.map(reversed)
        : typeof value === 'object' && value !== null
          ? Object.fromEntries(
              Object.entries(value)
                .reverse()
                .map(([name, member]) => [name, reversed(member)]),
            )
          : value;
    for (const record of records) expect(encodeRecord(reversed(record) as AuditRecord)).toEqual(encodeRecord(record));
  });

  it('say what was recorded, for any reason, process, counts and times', () => {
    const claim = fc.string({
      unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
      minLength: 1,
      maxLength: 128,
    });
    const line = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 100 })
      .filter((text) => text.isWellFormed() && !/[\p{Cc}\u2028\u2029]/u.test(text));
    fc.assert(
      fc.property(
        claim,
        fc.option(claim),
        line,
        fc.nat(),
        fc.date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true }),
        (id, run, reason, pid, time) => {
          const record = {
            ...released,
            process: { claimed: { id, run, ticket: null }, match: false, registered: [] },
            reason,
            time: time.toISOString(),
            body: asked({ from: { node: 'n', pid, podUid: null, uid: 0 } }),
          } as AuditRecord;
          expect(parseRecord(encodeRecord(record))).toEqual({ known: true, record });
        },
      ),
    );
  });

  it('hold whatever a configuration may say: no scope, a path of the longest kind', () => {
    const entitlements = [{ credential: 'ledger-api', minAssurance: 'socket' as const, scope: '' }];
    const match = [[`unix:path:/${'x'.repeat(4095)}`]];
    const object = identity('close', { entitlements, match });
    const record = new LogWriter().record('identity.registered', { change: null, identity: object.id, object, v: 1 });
    expect(encodeFault(record)).toBe('none');
    const clientId = `${object.id}/${'x'.repeat(200)}`;
    const requested = { clientId, resource: 'x'.repeat(2048), scope: Array.from({ length: 1024 }, () => 'x') };
    expect(encodeFault(new LogWriter().record('credential.denied', asked({ requested })))).toBe('none');
  });

  it('are at most 60,000', () => {
    const log = new LogWriter();
    const of = (length: number) =>
      log.record('credential.denied', asked({ selectors: Array.from({ length: 64 }, () => 'x'.repeat(length)) }));
    expect(encodeRecord(of(800)).length).toBeLessThan(MAX_RECORD_LENGTH);
    expect(encodeFault(of(1000))).toBe('length');
    expect(parseFault(canonicalJson(of(1000) as unknown as Json))).toBe('length');
  });
});

describe('what may not be written', () => {
  it.each([
    ['a type that this release does not have', { type: 'credential.lost' }, 'body'],
    ['another version of the envelope', { v: 2 }, 'envelope'],
    ['another version of a body', { body: { ...released.body, v: 2 } }, 'body'],
    ['a body without a version', { body: {} }, 'envelope'],
    ['an id that is no ULID', { id: 'x' }, 'envelope'],
    ['a lease id that is none', { lease: released.id }, 'envelope'],
    ['a negative index', { seq: -1 }, 'envelope'],
    ['an index that is no integer', { seq: 1.5 }, 'envelope'],
    ['an index beyond 2^53', { seq: 2 ** 53 }, 'envelope'],
    ['a negative zero', { seq: -0 }, 'envelope'],
    ['a time without milliseconds', { time: '2026-11-22T08:00:00Z' }, 'envelope'],
    ['a local time', { time: '2026-11-22T08:00:00.000+01:00' }, 'envelope'],
    ['a day that no month has', { time: '2026-02-30T08:00:00.000Z' }, 'envelope'],
    ['an hour that no day has', { time: '2026-11-22T24:00:00.000Z' }, 'envelope'],
    ['an actor that is no SPIFFE ID', { actor: 'alice' }, 'envelope'],
    [
      'an owner that is an e-mail address',
      { owner: { accountable: null, backup: null, id: 'a@acme.example', kind: 'person' } },
      'envelope',
    ],
    ['a claim beyond ASCII', { process: processOf('café') }, 'envelope'],
    ['a claim of 129 characters', { process: processOf('x'.repeat(129)) }, 'envelope'],
    ['a reason of 513 characters', { reason: 'x'.repeat(513) }, 'envelope'],
    ['a reason of two lines', { reason: 'a\nb' }, 'envelope'],
    ['a reason with a terminal escape', { reason: 'a\u001b[31m' }, 'envelope'],
    ['a lone surrogate', { reason: 'a\ud800' }, 'envelope'],
    ['a digest with stray bits', { registry: { entry: null, root: `${digestOf('x').slice(0, 42)}B` } }, 'envelope'],
    ['a trace id in upper case', { trace: { span_id: '00f067aa0ba902b7', trace_id: 'A'.repeat(32) } }, 'envelope'],
    ['an origin without its numbers', { origin: 'acme.example/x' }, 'envelope'],
    ['a reference without its log', { refs: [{ id: released.id, rel: 'released' }] }, 'envelope'],
    ['a body of another type', { type: 'sidecar.stopped' }, 'body'],
  ])('%s', (_, members, fault) => {
    const record = { ...released, ...members };
    if (fault === 'envelope' || !('type' in members)) expect(encodeFault(record)).toBe(fault);
    else expect(encodeFault(record)).toBe('body');
  });

  it('a member that the type does not name, anywhere, whatever it is called', () => {
    const places = records.flatMap((record) => objectsIn(record).map((path) => ({ record, path })));
    const name = fc.oneof(
      fc.constantFrom('password', 'token', 'access_token', 'clientSecret', '__proto__', 'x'),
      fc.string({ minLength: 1 }),
    );
    fc.assert(
      fc.property(fc.constantFrom(...places), name, fc.string(), ({ record, path }, name, member) => {
        const place = path.reduce<Record<string, unknown>>(
          (object, step) => object[step] as Record<string, unknown>,
          record as never,
        );
        fc.pre(!Object.hasOwn(place, name));
        expect(encodeFault(withMember(record, path, name, member))).not.toBe('none');
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    ['a token', `eyJhbGciOiJFUzI1NiJ9.${'x'.repeat(20)}.y`],
    ['a key', '-----BEGIN EC PRIVATE KEY-----'],
    ['a Vault token', `hvs.${'A'.repeat(24)}`],
    ['a GitHub token', `ghp_${'A'.repeat(36)}`],
  ])('%s in free text', (_, secret) => {
    const reason = `rotated ${secret}`;
    expect(encodeFault({ ...released, reason })).toBe('secret');
    const log = new LogWriter();
    expect(
      encodeFault(log.record('admin.action', { command: 'x', operator: { ...OPERATOR, reason }, target: null, v: 1 })),
    ).toBe('secret');
    try {
      encodeRecord({ ...released, reason } as AuditRecord);
    } catch (error) {
      expect(String(error)).not.toContain(secret);
    }
  });
});

describe('what happens to look like a secret', () => {
  const digest = `sk-${'A'.repeat(39)}E`;
  const body = released.body as unknown as Record<string, unknown>;

  it.each([
    ['a digest', { ...body, jkt: digest, requestHash: `A-${digest.slice(2)}` }],
    ['the id of a proof', { ...body, proof: { ...(body['proof'] as object), jti: `${digest}-x`, sha256: digest } }],
  ])('but is %s, is recorded', (_, own) => {
    expect(encodeFault({ ...released, body: own })).toBe('none');
  });

  it('is refused where it is neither', () => {
    expect(encodeFault({ ...released, body: { ...body, name: `${digest}E` } })).toBe('secret');
    expect(encodeFault({ ...released, body: { ...body, selectors: [`unix:path:/${digest}`] } })).toBe('secret');
  });
});

describe('what is read', () => {
  it('keeps a type that this release does not have, and judges its envelope', () => {
    const later = { ...released, type: 'credential.lost', body: { anything: [1.5, { token: 'x' }], v: 1 } };
    expect(parseRecord(Buffer.from(canonicalJson(later as unknown as Json)))).toEqual({ known: false, record: later });
    expect(parseFault({ ...later, seq: -1 })).toBe('envelope');
    expect(parseFault({ ...later, body: null })).toBe('envelope');
  });

  it('keeps members of a body that this release does not have, and judges the others', () => {
    const body = { ...released.body, quantum: { proof: 'x' } };
    const later = { ...released, body };
    expect(parseRecord(Buffer.from(canonicalJson(later as unknown as Json)))).toEqual({ known: true, record: later });
    expect(parseFault({ ...later, body: { ...body, jkt: 'x' } })).toBe('body');
    expect(parseRecord(Buffer.from(canonicalJson({ ...later, body: { v: 2 } } as unknown as Json))).known).toBe(false);
  });

  it('refuses a member of the envelope that it does not know, and one that is missing', () => {
    expect(parseFault({ ...released, late: true })).toBe('envelope');
    for (const name of Object.keys(released)) {
      const { [name as 'id']: _, ...rest } = released;
      expect(parseFault(rest)).toBe('envelope');
    }
  });

  it('refuses every text but the canonical one, since two readers could see two things in it', () => {
    const text = encodeRecord(released).toString();
    expect(parseFault(`${text}\n`)).toBe('canonical');
    expect(parseFault(text.replace('{"actor"', '{"actor":"sidecar","actor"'))).toBe('canonical');
    expect(parseFault(text.replace('"seq":', '"seq": '))).toBe('canonical');
    expect(parseFault(text.replace('"credential.released"', '"credential\\u002ereleased"'))).toBe('canonical');
    expect(parseFault(`\ufeff${text}`)).toBe('json');
  });

  it('throws nothing but its own error, for any bytes', () => {
    const bytes = encodeRecord(released);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, value) => {
        const changed = Buffer.from(bytes);
        changed[at] = value;
        expect(['json', 'canonical', 'envelope', 'body', 'none']).toContain(faultOf(() => parseRecord(changed)));
      }),
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((text) => Buffer.from(text)),
        ),
        (any) => {
          expect(['json', 'canonical', 'envelope']).toContain(faultOf(() => parseRecord(any)));
        },
      ),
    );
  });
});
