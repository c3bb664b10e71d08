import { askingFor } from './asking.ts';
import type { Burst, BurstCommand } from './commands.ts';
import { Wire } from './wire.ts';

/**
 * Runs a closed loop. The proofs are made before the clock starts, with the nonce of that moment, which is good for at
 * least 15 s: a burst must not take longer.
 */
export async function burst(command: BurstCommand): Promise<Burst> {
  const { socket, connections, requests, wanted = { kind: 'token' } } = command;
  const asking = await askingFor(socket, wanted);
  const wires = await Promise.all(Array.from({ length: connections }, () => Wire.open({ path: socket })));
  try {
    // The first request of a connection pays for its attestation.
    const nonces = await Promise.all(wires.map((wire) => asking.lease(wire)));
    const pool = Array.from({ length: requests }, () => asking.request(nonces.at(-1)));
    const latencies = new Float64Array(requests);
    let next = 0;
    const ask = async (wire: Wire): Promise<void> => {
      while (next < requests) {
        const index = next++;
        const startMs = performance.now();
        const answer = await wire.exchange(pool[index]!);
        latencies[index] = performance.now() - startMs;
        asking.require(answer);
      }
    };
    const startMs = performance.now();
    await Promise.all(wires.map(ask));
    return { elapsedMs: performance.now() - startMs, latencies };
  } finally {
    for (const wire of wires) wire.close();
  }
}
