import { findServer } from '../../servers/find.ts';
import { FOR_LITTLE_MEMORY, startBundle } from '../../daemon/bundle.ts';
import { figure, type Figure } from '../figure.ts';
import { kvRegistry, SECRET, startKvVault, startVaultProxy } from '../kv-vault.ts';
import type { Wanted } from '../load/commands.ts';
import { startLoad } from '../load/load.ts';
import type { Measurement } from '../measurement.ts';
import { memoryOf } from '../memory.ts';
import { SPIRE_AGENT } from '../spire-agent.ts';
import { median } from '../statistics.ts';

const CONNECTIONS = 64;
const PROXY = 'Vault Proxy 1.21, which asks Vault each time, and neither records nor seals';
const OURS: Wanted = { kind: 'credential', name: 'ledger-kv', type: 'secret' };
const THEIRS: Wanted = { kind: 'plain', path: `/v1/secret/data/${SECRET}` };

/** A KV secret of Vault, from one connection and from many, beside Vault's own proxy. Nothing without a Vault. */
export const vaultKv: Measurement = {
  name: 'vault-kv',
  async measure(effort) {
    if (!findServer('vault')) return [];
    const [rounds, single, many] = effort === 'full' ? [10, 1000, 10_000] : [2, 100, 500];
    await using kv = await startKvVault();
    await using proxy = await startVaultProxy(kv);
    await using daemon = await startBundle({ registry: kvRegistry(kv) });
    await using small = await startBundle({ registry: kvRegistry(kv), ...FOR_LITTLE_MEMORY });
    using load = await startLoad();
    const kinds = [
      { socket: daemon.socket, wanted: OURS, p50s: [] as number[], rates: [] as number[] },
      { socket: proxy.socket, wanted: THEIRS, p50s: [] as number[], rates: [] as number[] },
      { socket: small.socket, wanted: OURS, p50s: [] as number[], rates: [] as number[] },
    ] as const;
    for (let round = -1; round < rounds; round++) {
      for (const { socket, wanted, p50s, rates } of kinds) {
        const alone = await load.burst({ socket, wanted, connections: 1, requests: single });
        const crowd = await load.burst({ socket, wanted, connections: CONNECTIONS, requests: many });
        // The first round is for the compiler.
        if (round < 0) continue;
        p50s.push(median(alone.latencies));
        rates.push((many / crowd.elapsedMs) * 1000);
      }
    }
    const [ours, theirs] = kinds;
    return [
      figure({
        name: 'vault-kv/p50',
        what: 'a KV secret of Vault, leased: fresh proof, durable record, sealed answer, 1 connection, p50',
        unit: 'ms',
        ours: median(ours.p50s),
        peer: { of: PROXY, value: median(theirs.p50s) },
        goal: { below: 0.95 },
      }),
      figure({
        name: 'vault-kv/rate',
        what: `the same, ${CONNECTIONS} connections`,
        unit: 'requests/s',
        ours: median(ours.rates),
        peer: { of: PROXY, value: median(theirs.rates) },
        goal: { atLeast: 2100 },
      }),
      figure({
        name: 'vault-kv/spire-p50',
        what: 'the same, 1 connection, p50',
        unit: 'ms',
        ours: median(ours.p50s),
        peer: SPIRE_AGENT.p50Ms,
      }),
      figure({
        name: 'vault-kv/spire-rate',
        what: `the same, ${CONNECTIONS} connections`,
        unit: 'requests/s',
        ours: median(ours.rates),
        peer: SPIRE_AGENT.perSecond,
      }),
      memory('vault-kv/memory', 'RSS after these bursts, with the Vault provider loaded', daemon.pid, proxy.pid),
      memory('vault-kv/small', 'the same, started as the systemd unit starts it', small.pid, proxy.pid),
    ];
  },
};

function memory(name: string, what: string, ours: number, theirs: number): Figure {
  return figure({
    name,
    what,
    unit: 'MB',
    ours: memoryOf(ours).rssMb,
    peer: { of: 'Vault Proxy 1.21', value: memoryOf(theirs).rssMb },
    goal: { below: 120 },
  });
}
