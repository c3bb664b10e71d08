import { connect } from '@tallystick/sdk';
import { startBundle } from '../../daemon/bundle.ts';
import { figure } from '../figure.ts';
import { interleave, timeAwaited } from '../interleave.ts';
import type { Measurement } from '../measurement.ts';
import { median } from '../statistics.ts';

/** `await identity.credential(…)` of a credential that the SDK holds: the whole public path, with its promise. */
export const heldCredential: Measurement = {
  name: 'held-credential',
  async measure(effort) {
    const [rounds, calls] = effort === 'full' ? [60, 20_000] : [5, 1000];
    await using daemon = await startBundle();
    await using identity = await connect({ socket: daemon.socket });
    const get = () => identity.credential('ledger-api', 'access-token');
    await get();
    const { ours } = await interleave(
      { ours: () => timeAwaited(calls, get) },
      { rounds, warmUp: Math.ceil(rounds / 4) },
    );
    return [
      figure({
        name: 'held-credential',
        what: '`await identity.credential(…)`, held by the SDK',
        unit: 'µs',
        ours: median(ours),
        goal: { below: 1 },
      }),
    ];
  },
};
