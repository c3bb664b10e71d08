import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  canonicalJson,
  leafHash,
  merkleRoot,
  registryDigest,
  Secret,
  type IdentityObject,
  type Json,
} from '../src/index.ts';

function identity(id: string, over: Partial<IdentityObject> = {}): IdentityObject {
  return {
    id: `spiffe://acme.example/${id}`,
    kind: 'workload',
    owner: { id: 'team-payments', kind: 'team', accountable: null, backup: null },
    purpose: 'posts the month-end journal',
    environment: 'production',
    businessProcesses: ['BP-1042'],
    expires: '2027-06-30',
    match: [['unix:uid:1001', 'tallystick:socket:app']],
    revocable: 'exp',
    receives: [],
    entitlements: [{ credential: 'ledger-api', scope: null, minAssurance: 'socket' }],
    ...over,
  };
}

describe('registry digest', () => {
  test('is the RFC 6962 root over the canonical JSON of the identities, sorted by id', () => {
    const [a, b, c] = [identity('a'), identity('b'), identity('c')];
    const leaf = (object: IdentityObject): Buffer => leafHash(Buffer.from(canonicalJson(object as unknown as Json)));
    const { root, entries } = registryDigest([c, a, b]);
    expect(root).toBe(merkleRoot([leaf(a), leaf(b), leaf(c)]).toString('base64url'));
    expect(entries.get(b.id)).toBe(leaf(b).toString('base64url'));
    expect(entries.size).toBe(3);
  });

  test('of this registry is this, on every machine and in every version', () => {
    expect(registryDigest([identity('close-batch'), identity('close-batch-eu')]).root).toMatchInlineSnapshot(
      `"KAD77iMCV-gIoLEBFNmI28JWIDqzIN0ncz58RYkQZBc"`,
    );
  });

  test('of no identity is SHA-256 of nothing', () => {
    expect(registryDigest([]).root).toBe('47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU');
  });

  test('does not depend on the order of the identities, nor on that of their members', () => {
    const names = fc.uniqueArray(fc.stringMatching(/^[a-zA-Z0-9._-]{1,6}$/), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(names, fc.infiniteStream(fc.nat()), (ids, stream) => {
        const identities = ids.map((id) => identity(id));
        const shuffled = identities
          .map((one) => ({
            key: stream.next().value as number,
            one: Object.fromEntries(Object.entries(one).reverse()),
          }))
          .sort((x, y) => x.key - y.key)
          .map(({ one }) => one as unknown as IdentityObject);
        expect(registryDigest(shuffled)).toEqual(registryDigest(identities));
      }),
    );
  });

  test('changes with every member of every identity', () => {
    const before = registryDigest([identity('a')]).root;
    const changes: Partial<IdentityObject>[] = [
      { kind: 'service' },
      { owner: { id: 'team-payments', kind: 'team', accountable: 'p-1', backup: null } },
      { purpose: 'other' },
      { environment: 'test' },
      { businessProcesses: [] },
      { expires: '2027-07-01' },
      { match: [['unix:uid:1001'], ['tallystick:socket:app']] },
      { revocable: 'prompt' },
      { receives: ['https://ledger.acme.example'] },
      { entitlements: [] },
    ];
    const roots = new Set(changes.map((change) => registryDigest([identity('a', change)]).root));
    expect(roots.size).toBe(changes.length);
    expect(roots.has(before)).toBe(false);
    expect(Object.keys(identity('a')).sort()).toEqual(['id', ...changes.flatMap(Object.keys)].sort());
  });

  test('refuses two identities with one id: the digest would depend on their order', () => {
    expect(() => registryDigest([identity('a'), identity('b'), identity('a', { kind: 'device' })])).toThrow(
      /"spiffe:\/\/acme.example\/a" is in the registry twice/,
    );
  });

  test('refuses an identity that holds a secret', () => {
    expect(() => registryDigest([{ ...identity('a'), password: new Secret('x') } as IdentityObject])).toThrow(
      TypeError,
    );
  });
});
