import type { IdentityObject } from '@tallystick/core';
import { describe, expect, test } from 'vitest';
import type { Attestation } from '../../src/attest/attestor.ts';
import { createAdmission } from '../../src/release/admit.ts';
import type { CheckedProof } from '../../src/release/proof-gate.ts';
import { identity, peer } from '../acme.ts';

const [ONE, TWO] = [identity('one'), identity('two')];
const PROOF = { jkt: 'holder-key', jti: 'jti' } as CheckedProof;
const ATTESTATION: Attestation = { selectors: ['unix:uid:1001'], assurance: 'process', peer: peer() };

/** An admission under a configuration that the test changes. */
function admission(matching: readonly IdentityObject[]) {
  const world = { matching, onCheck: (): void => {}, owners: [] as string[], identified: [] as string[] };
  const own = createAdmission({
    attest: () => ATTESTATION,
    match: () => world.matching,
    proofs: {
      nonce: () => 'nonce',
      async check(_header, _target, owner) {
        world.owners.push(owner);
        world.onCheck();
        return PROOF;
      },
    },
  });
  const admit = (named?: string) =>
    own.admit({
      peer: ATTESTATION.peer,
      named,
      proofHeader: undefined,
      target: { method: 'POST', url: 'https://x' },
      onIdentified: (sender) => world.identified.push(sender.identity.id),
    });
  return { ...own, admit, world };
}

describe('admission', () => {
  test('says who asks, on which evidence, by which key', async () => {
    const { admit, world } = admission([ONE, TWO]);
    expect(await admit(TWO.id)).toEqual({ identity: TWO, attestation: ATTESTATION, proof: PROOF });
    expect([world.owners, world.identified]).toEqual([[TWO.id], [TWO.id]]);
  });

  test('tells who asks also where the proof is refused, and checks no proof of whom nobody knows', async () => {
    const { admit, world } = admission([ONE]);
    world.onCheck = () => {
      throw new Error('refused');
    };
    await expect(admit()).rejects.toThrow('refused');
    expect(world.identified).toEqual([ONE.id]);
    await expect(admit(TWO.id)).rejects.toMatchObject({ code: 'identity_mismatch' });
    expect(world.owners).toEqual([ONE.id]);
  });

  test('is by the configuration of the moment at which it ends', async () => {
    const { admit, world } = admission([ONE]);
    const changed = { ...ONE, purpose: 'changed while the signature was checked' };
    world.onCheck = () => (world.matching = [changed, TWO]);
    expect((await admit()).identity).toBe(changed);
    world.onCheck = () => (world.matching = [TWO]);
    await expect(admit(ONE.id)).rejects.toMatchObject({ code: 'identity_mismatch' });
    world.matching = [ONE];
    world.onCheck = () => (world.matching = []);
    await expect(admit()).rejects.toMatchObject({ code: 'identity_unknown' });
  });

  test('is given again by the same rule', async () => {
    const { readmit, world } = admission([ONE]);
    expect(await readmit(peer(), ONE.id)).toBe(ONE);
    world.matching = [TWO];
    await expect(readmit(peer(), ONE.id)).rejects.toMatchObject({ code: 'identity_mismatch' });
  });
});
