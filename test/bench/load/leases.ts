import { generateKeyPairSync } from 'node:crypto';
import { holderKey } from '@tallystick/dpop';
import type { LeasesCommand } from './commands.ts';
import { nonceOf, requireToken, tokenRequest } from './token-request.ts';
import { Wire } from './wire.ts';

const CONNECTIONS = 16;

/** Makes leases the way workloads do: each by a key that the sidecar has not seen. Returns how many there are. */
export async function leases({ socket, identities, count }: LeasesCommand): Promise<number> {
  const wires = await Promise.all(Array.from({ length: CONNECTIONS }, () => Wire.open({ path: socket })));
  let next = 0;
  const ask = async (wire: Wire): Promise<void> => {
    let nonce: string | undefined;
    while (next < count) {
      const identity = identities[next++ % identities.length];
      const key = holderKey(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey, 'ES256');
      nonce ??= nonceOf(await wire.exchange(tokenRequest(key, undefined, identity)));
      const answer = await wire.exchange(tokenRequest(key, nonce, identity));
      requireToken(answer);
      nonce = nonceOf(answer);
    }
  };
  try {
    await Promise.all(wires.map(ask));
    return count;
  } finally {
    for (const wire of wires) wire.close();
  }
}
