import { generateKeyPairSync, sign } from 'node:crypto';
import { connect } from '@tallystick/sdk';
import * as openid from 'openid-client';
import { ISSUER } from '../../daemon/daemon.ts';
import { startBundle } from '../../daemon/bundle.ts';
import { figure } from '../figure.ts';
import { interleave, timeCalls } from '../interleave.ts';
import type { Measurement } from '../measurement.ts';
import { startChild } from '../child.ts';
import { median, medianDifference } from '../statistics.ts';

/** What a token and a proof add to one call of the global `fetch`, to an API in another process. */
export const fetchAdded: Measurement = {
  name: 'fetch',
  async measure(effort) {
    const rounds = effort === 'full' ? 6000 : 100;
    using api = await startChild('api');
    const url = `${api.ready as string}/journal`;
    await using daemon = await startBundle({ use: `${api.ready as string}/` });
    await using identity = await connect({ socket: daemon.socket });
    const { authorization } = await identity.authorize({ method: 'GET', url });
    const token = authorization.replace('DPoP ', '');

    const config = new openid.Configuration({ issuer: ISSUER }, 'openid-client');
    openid.allowInsecureRequests(config);
    const handle = openid.getDPoPHandle(config, await openid.randomDPoPKeyPair('ES256'));
    const target = new URL(url);
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const input = Buffer.alloc(500, 'a');

    const times = await interleave(
      {
        plain: () => timed(() => fetch(url)),
        ours: () => timed(() => identity.fetch(url)),
        openid: () =>
          timed(() =>
            openid.fetchProtectedResource(config, token, target, 'GET', undefined, undefined, { DPoP: handle }),
          ),
        // After a fetch, as the one inside `identity.fetch` is: in a loop of its own it would be faster.
        sign: async () => {
          await timed(() => fetch(url));
          return timeCalls(1, () => sign('sha256', input, { key: privateKey, dsaEncoding: 'ieee-p1363' }));
        },
      },
      { rounds, warmUp: Math.ceil(rounds / 4) },
    );
    const ours = medianDifference(times.ours, times.plain);
    return [
      figure({
        name: 'fetch/sign',
        what: '`identity.fetch`, added to the global `fetch`',
        unit: 'µs',
        ours,
        peer: { of: 'one `crypto.sign`', value: median(times.sign) },
        goal: { ratioAtMost: 1.5 },
      }),
      figure({
        name: 'fetch/openid-client',
        what: '`identity.fetch`, added to the global `fetch`',
        unit: 'µs',
        ours,
        peer: { of: 'openid-client `fetchProtectedResource`', value: medianDifference(times.openid, times.plain) },
        goal: { ratioAtMost: 0.2 },
      }),
      figure({ name: 'fetch/plain', what: 'the global `fetch` alone', unit: 'µs', ours: median(times.plain) }),
    ];
  },
};

async function timed(call: () => Promise<Response>): Promise<number> {
  const start = performance.now();
  const response = await call();
  await response.arrayBuffer();
  const took = (performance.now() - start) * 1000;
  if (response.status !== 200) throw new Error(`the API answered ${response.status}`);
  return took;
}
