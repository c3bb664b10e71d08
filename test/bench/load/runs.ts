import { generateHolderKey } from '@tallystick/dpop';
import { requireOk } from './asking.ts';
import type { RunsCommand } from './commands.ts';
import { credentialRequest } from './credential-request.ts';
import { nonceOf } from './token-request.ts';
import { Wire } from './wire.ts';

/** As many as the sidecar has calls of one upstream under way at a time. */
const CONNECTIONS = 16;

/** Makes leases of an upstream the way one job after the other does: each for a run of its own. Returns how many. */
export async function runs({ socket, name, identities, count }: RunsCommand): Promise<number> {
  const key = await generateHolderKey();
  const wires = await Promise.all(Array.from({ length: CONNECTIONS }, () => Wire.open({ path: socket })));
  let next = 0;
  const ask = async (wire: Wire): Promise<void> => {
    let nonce: string | undefined;
    while (next < count) {
      const run = next++;
      const wanted = {
        name,
        type: 'secret',
        identity: identities[run % identities.length],
        run: `run-${run}`,
      } as const;
      nonce ??= nonceOf(await wire.exchange(credentialRequest(key, undefined, wanted)));
      const answer = await wire.exchange(credentialRequest(key, nonce, wanted));
      requireOk(answer);
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
