import { generateHolderKey, type HolderKey } from '@tallystick/dpop';
import type { Burst, BurstCommand } from './commands.ts';
import { leaseToken, requireToken, tokenRequest } from './token-request.ts';
import { Wire } from './wire.ts';

// One key for each sidecar, so that every burst finds its token leased.
const keys = new Map<string, Promise<HolderKey>>();

/**
 * Runs a closed loop. The proofs are made before the clock starts, with the nonce of that moment, which is good for at
 * least 15 s: a burst must not take longer.
 */
export async function burst({ socket, connections, requests, identity }: BurstCommand): Promise<Burst> {
  const key = await keyOf(socket);
  const wires = await Promise.all(Array.from({ length: connections }, () => Wire.open({ path: socket })));
  try {
    // The first request of a connection pays for its attestation.
    const nonces = await Promise.all(wires.map((wire) => leaseToken(wire, key, identity)));
    const pool = Array.from({ length: requests }, () => tokenRequest(key, nonces.at(-1), identity));
    const latencies = new Float64Array(requests);
    let next = 0;
    const ask = async (wire: Wire): Promise<void> => {
      while (next < requests) {
        const index = next++;
        const startMs = performance.now();
        const answer = await wire.exchange(pool[index]!);
        latencies[index] = performance.now() - startMs;
        requireToken(answer);
      }
    };
    const startMs = performance.now();
    await Promise.all(wires.map(ask));
    return { elapsedMs: performance.now() - startMs, latencies };
  } finally {
    for (const wire of wires) wire.close();
  }
}

function keyOf(socket: string): Promise<HolderKey> {
  let key = keys.get(socket);
  if (!key) keys.set(socket, (key = generateHolderKey()));
  return key;
}
