import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { DER, systemRandom } from '@tallystick/core';
import { caKind, type CaSettings } from '../../../src/providers/ca.ts';
import type { MintOrder, Provider, ProviderContext } from '../../../src/providers/provider.ts';
import { identity } from '../../acme.ts';
import { manualTime, type ManualTime } from '../../manual-time.ts';

export const LEASE = 'ls_01KAMZ3CT000000000000000AA';
/** With roots of its own. */
export const OWN_ROOTS: CaSettings = { type: 'ca', certificate: undefined, key: undefined, authorities: undefined };

/** An authority that is asked for certificates of `close-batch`. */
export interface OpenedCa {
  readonly provider: Provider;
  readonly time: ManualTime;
  mint(csr?: Buffer, order?: Partial<MintOrder>): Promise<{ certificate: string; authorities: string; serial: string }>;
}

export async function openedCa(
  settings: CaSettings = OWN_ROOTS,
  memory = inMemory(),
  time = manualTime(),
): Promise<OpenedCa> {
  const context = {
    name: 'mesh',
    trustDomain: 'acme.example',
    sidecarId: 'sidecar-1',
    clock: time,
    random: systemRandom,
    memory,
  } as unknown as ProviderContext;
  const provider = (await caKind.open(settings, context)) as Provider;
  return {
    provider,
    time,
    async mint(csr = requestOf(workloadKey), order = {}) {
      const made = await provider.mint({
        leaseId: LEASE,
        lifetimeMs: 3_600_000,
        identity: identity('close-batch'),
        wanted: { dnsNames: ['batch.acme.example'], usages: ['client', 'server'] },
        applicant: { jkt: 'key', csr },
        ...order,
      } as MintOrder);
      return made.material as Awaited<ReturnType<OpenedCa['mint']>>;
    },
  };
}

export function inMemory(): ProviderContext['memory'] {
  let kept: unknown;
  return {
    read: async () => kept,
    write: async (value) => void (kept = value),
  };
}

export const newKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
export const workloadKey = newKey();

/** A certificate request as the SDK makes it, or with a part of it bent. */
export function requestOf(
  { privateKey, publicKey }: { privateKey: KeyObject; publicKey: KeyObject },
  { subject = DER.sequence(), attributes = DER.tagged(0, Buffer.alloc(0), 'constructed'), signer = privateKey } = {},
): Buffer {
  const info = DER.sequence(
    DER.unsigned(Buffer.of(0)),
    subject,
    publicKey.export({ format: 'der', type: 'spki' }),
    attributes,
  );
  const algorithm = Buffer.from('300a06082a8648ce3d040302', 'hex');
  return DER.sequence(info, algorithm, DER.bitString(sign('sha256', info, signer)));
}
