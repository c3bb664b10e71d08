import { canonicalJson, type Json } from '@tallystick/core';
import { describe, expect, test } from 'vitest';
import type { Asked } from '../../src/record/asked.ts';
import { createCredentialRecords } from '../../src/record/credential-records.ts';
import type { Fingerprint } from '../../src/record/fingerprint/fingerprint.ts';
import { createFloodGate } from '../../src/record/flood.ts';
import { requestHash } from '../../src/record/request-hash.ts';
import { Denial } from '../../src/release/denial.ts';
import { credential, identity, peer, registryOf } from '../acme.ts';
import { temporaryFolder } from '../listen/temporary-folder.ts';
import { manualTime } from '../manual-time.ts';
import { keyOf } from '../lease/leases.ts';
import { memoryRecorder } from './memory-recorder.ts';
import { openedRecorder } from './opened-recorder.ts';
import { turns } from './turns.ts';

const BATCH = identity('close-batch');
const asked = (members: Partial<Asked> = {}): Asked => ({
  identity: BATCH,
  attestation: { selectors: ['tallystick:socket:app', 'unix:uid:1001'], assurance: 'process', peer: peer() },
  proof: {
    alg: 'ES256',
    jkt: 'holder-key',
    jti: 'proof-jti',
    htm: 'POST',
    htu: 'https://x/token',
    iat: 1_795_000_000,
    ath: undefined,
    nonce: 'nonce',
    bth: undefined,
    sha256: 'digest-of-the-proof',
  },
  request: { clientId: 'batch', resource: undefined, scope: ['journal.read'], context: undefined },
  registry: registryOf([BATCH]),
  trace: { trace_id: '4bf92f3577b34da6a3ce929d0e0e4736', span_id: '00f067aa0ba902b7' },
  ...members,
});
const LEASE = {
  id: 'ls_01KAMZ3CT000000000000000AA',
  key: keyOf('holder-key', { credential: credential('ledger-api') }),
  material: { token: 'eyJ.the-token-itself.sig', audience: '', scope: '' },
  binding: 'dpop' as const,
  handles: { jti: 'ls_01KAMZ3CT000000000000000AA' },
  upstream: undefined,
  issuedAtMs: 0,
  expiresAtMs: Date.parse('2026-11-22T12:15:00Z'),
  rotateAtMs: 0,
  holders: new Map([['holder-key', peer()]]),
  revoked: false,
  stale: false,
};
const denial = {
  allow: false as const,
  reason: 'suspended' as const,
  code: 'identity_suspended' as const,
  description: 'it is suspended',
};

const FINGERPRINT = `hmac-sha256:k1:${'0'.repeat(64)}`;

function records() {
  const time = manualTime();
  const recorder = memoryRecorder();
  const flood = createFloodGate({ clock: time, timers: time, onSuppressed: () => {}, onRefused: () => {} });
  const named: string[] = [];
  const fingerprint: Fingerprint = (secret) => {
    named.push(String(secret));
    return FINGERPRINT;
  };
  const records = createCredentialRecords({ recorder, fingerprint, flood, clock: time, node: 'host-7' });
  return { time, recorder, named, records };
}

describe('a release', () => {
  test('is recorded with who, what, to which key, on which evidence, and until when', async () => {
    const { recorder, records: credentials } = records();
    await credentials.released({
      asked: asked(),
      lease: LEASE,
      source: 'minted',
      replaced: { ...LEASE, id: 'ls_before' },
      recordId: 'record-0',
    });
    const { digest } = asked().registry;
    expect(recorder.records).toEqual([
      {
        type: 'credential.released',
        id: 'record-0',
        actor: BATCH.id,
        owner: BATCH.owner,
        process: { registered: ['BP-1042'], claimed: null, match: null },
        registry: { root: digest.root, entry: digest.entries.get(BATCH.id) },
        trace: asked().trace,
        lease: LEASE.id,
        refs: [{ rel: 'replaces', id: 'ls_before' }],
        outcome: 'success',
        reason: 'entitled',
        body: {
          name: 'ledger-api',
          entitlement: 'ledger-api',
          requested: { resource: null, scope: ['journal.read'], clientId: 'batch' },
          granted: { audience: 'https://ledger-api.acme.example', scope: ['journal.write'] },
          requestHash: expect.stringMatching(/^[\w-]{43}$/) as string,
          binding: 'dpop',
          jkt: 'holder-key',
          provider: 'issuer',
          proof: { jti: 'proof-jti', iat: 1_795_000_000, sha256: 'digest-of-the-proof' },
          assurance: 'process',
          selectors: ['tallystick:socket:app', 'unix:uid:1001'],
          from: { node: 'host-7', podUid: null, uid: 1001, pid: 4242 },
          handles: { jti: LEASE.id },
          fp: FINGERPRINT,
          notAfter: '2026-11-22T12:15:00.000Z',
          source: 'minted',
        },
      },
    ]);
  });

  test('names the exact bytes that leave by a keyed fingerprint, made once for a lease', async () => {
    const { recorder, named, records: credentials } = records();
    const replaced = { ...LEASE, material: { ...LEASE.material, token: 'another' } };
    for (const lease of [LEASE, LEASE, replaced])
      await credentials.released({
        asked: asked(),
        lease: lease,
        source: 'cache',
        replaced: undefined,
        recordId: 'record-0',
      });
    expect(named).toEqual([LEASE.material.token, replaced.material.token]);
    expect(recorder.records.map(({ body }) => 'fp' in body && body.fp)).toEqual([
      FINGERPRINT,
      FINGERPRINT,
      FINGERPRINT,
    ]);
  });

  test('is built in canonical order, so that nothing has to be sorted for each record', async () => {
    const { recorder, records: credentials } = records();
    await credentials.released({
      asked: asked(),
      lease: LEASE,
      source: 'cache',
      replaced: undefined,
      recordId: 'record-0',
    });
    const { body, process, registry } = recorder.only('credential.released');
    for (const part of [body, process, registry] as unknown as Json[])
      expect(JSON.stringify(part)).toBe(canonicalJson(part));
  });

  test('says whether the claimed business process is one that is registered', async () => {
    const { recorder, records: credentials } = records();
    for (const id of ['BP-1042', 'BP-1']) {
      const request = { ...asked().request, context: { id, run: 'r-77', ticket: null } };
      await credentials.released({
        asked: asked({ request }),
        lease: LEASE,
        source: 'cache',
        replaced: undefined,
        recordId: 'record-0',
      });
    }
    expect(recorder.records.map(({ process }) => process)).toEqual([
      { registered: ['BP-1042'], claimed: { id: 'BP-1042', run: 'r-77', ticket: null }, match: true },
      { registered: ['BP-1042'], claimed: { id: 'BP-1', run: 'r-77', ticket: null }, match: false },
    ]);
  });

  test('holds no secret: neither the token nor the nonce nor the proof', async () => {
    const { recorder, records: credentials } = records();
    await credentials.released({
      asked: asked(),
      lease: LEASE,
      source: 'minted',
      replaced: undefined,
      recordId: 'record-0',
    });
    credentials.undelivered(asked(), LEASE, { id: 'r', seq: 0, origin: '' }, 'withdrawn');
    const text = JSON.stringify(recorder.records);
    for (const secret of [LEASE.material.token, 'the-token-itself', asked().proof.nonce!])
      expect(text).not.toContain(`"${secret}`);
  });

  test('that did not leave is followed by a record that says so and names it', async () => {
    const { recorder, records: credentials } = records();
    credentials.undelivered(asked(), LEASE, { id: 'record-1', seq: 1, origin: 'o' }, 'client_gone');
    expect(recorder.only('credential.undelivered')).toMatchObject({
      lease: LEASE.id,
      refs: [{ rel: 'released', id: 'record-1' }],
      outcome: 'failed',
      reason: 'client_gone',
    });
    recorder.fail();
    credentials.undelivered(asked(), LEASE, { id: 'record-1', seq: 1, origin: 'o' }, 'withdrawn');
    await turns();
  });
});

describe('a denial', () => {
  test('is an error only once it is durable, and the error has the id of its record', async () => {
    const { recorder, records: credentials } = records();
    recorder.hold();
    let error: unknown;
    void credentials.denied(asked(), denial).then((value) => (error = value));
    await turns();
    expect([recorder.types(), error]).toEqual([['credential.denied'], undefined]);
    recorder.letGo();
    await turns();
    expect(error).toBeInstanceOf(Denial);
    expect(error).toMatchObject({
      code: 'identity_suspended',
      facts: { reason: 'suspended', record: { id: 'record-0' } },
    });
    expect(recorder.only('credential.denied')).toMatchObject({ outcome: 'denied', reason: 'suspended', lease: null });
  });

  test('that cannot be recorded is not told', async () => {
    const { recorder, records: credentials } = records();
    recorder.fail();
    await expect(credentials.denied(asked(), denial)).rejects.toMatchObject({ code: 'record_unavailable' });
  });

  test('in a flood is counted, after one record says that it begins', async () => {
    const { recorder, records: credentials } = records();
    const errors = [];
    for (let i = 0; i < 30; i++) errors.push((await credentials.denied(asked(), denial)) as Denial);
    expect(recorder.types()).toEqual([...Array<string>(20).fill('credential.denied'), 'denied.suppressed']);
    expect(recorder.only('denied.suppressed').body).toMatchObject({ uid: 1001, reason: 'suspended', count: null });
    expect(errors.slice(20).map(({ code, facts }) => [code, facts.record])).toEqual(
      Array(10).fill(['rate_limited', null]),
    );
    expect(errors[29]).toMatchObject({
      retryAfterMs: 60_000,
      remedy: expect.stringContaining('identities resume') as string,
    });
  });

  test('that is only counted waits for the record that some are', async () => {
    const { recorder, records: credentials } = records();
    for (let i = 0; i < 20; i++) await credentials.denied(asked(), denial);
    recorder.hold();
    let told = 0;
    for (let i = 0; i < 5; i++) void credentials.denied(asked(), denial).then(() => told++);
    await turns();
    expect(told).toBe(0);
    recorder.letGo();
    await turns();
    expect(told).toBe(5);
  });
});

describe('no record of a credential is longer than a record may be', () => {
  test('whatever the largest request that is read claims', async () => {
    const longest = 'x'.repeat(2048);
    const recorder = await openedRecorder(temporaryFolder());
    const time = manualTime();
    const flood = createFloodGate({ clock: time, timers: time, onSuppressed: () => {}, onRefused: () => {} });
    const credentials = createCredentialRecords({
      recorder,
      fingerprint: recorder.fingerprint,
      flood,
      clock: time,
      node: 'n'.repeat(255),
    });
    const scope = Array.from({ length: 1024 }, (_, i) => String.fromCharCode(33 + (i % 90)));
    const request = {
      clientId: `spiffe://acme.example/${'x'.repeat(2048 - 'spiffe://acme.example/'.length)}`,
      resource: longest,
      scope,
      context: { id: 'i'.repeat(128), run: 'r'.repeat(128), ticket: 't'.repeat(128) },
    };
    // Every character of a jti may take six in JSON.
    const digest = 'A'.repeat(43);
    const proof = { ...asked().proof, jkt: digest, sha256: digest, jti: '\u0001'.repeat(256) };
    const selectors = ['unix:uid:1001', `unix:path:${'\u0001'.repeat(4096)}`];
    const attestation = { ...asked().attestation, selectors };
    expect(await credentials.denied(asked({ request, proof, attestation }), denial)).toBeInstanceOf(Denial);
    await recorder.close();
  });
});

describe('the hash of a request', () => {
  const base = {
    identity: BATCH.id,
    credential: 'ledger-api',
    resource: null,
    scopes: ['b', 'a'],
    process: null,
    jkt: 'k',
  };

  test('does not depend on the order of the scopes', () => {
    expect(requestHash(base)).toBe(requestHash({ ...base, scopes: ['a', 'b'] }));
  });

  test('depends on everything that is asked', () => {
    const others = [
      { ...base, identity: 'spiffe://acme.example/other' },
      { ...base, credential: 'other-api' },
      { ...base, resource: 'https://ledger-api.acme.example' },
      { ...base, scopes: ['a'] },
      { ...base, scopes: ['a b'] },
      { ...base, process: { id: 'BP-1', run: null, ticket: null } },
      { ...base, process: { id: 'BP-1', run: 'r', ticket: null } },
      { ...base, jkt: 'other' },
    ];
    expect(new Set([base, ...others].map((each) => requestHash(each))).size).toBe(others.length + 1);
  });

  test('is SHA-256 over the canonical JSON of its named members (RFC 8785)', () => {
    expect(requestHash(base)).toBe('8R0oUZYCyV4osLX4oZtR_CZvM8GSJEeboev_lR4iKDU');
  });
});
