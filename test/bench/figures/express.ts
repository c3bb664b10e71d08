import { connect, type Identity } from '@tallystick/sdk';
import { freePort } from '../../servers/free-ports.ts';
import { startBundle } from '../../daemon/bundle.ts';
import { figure } from '../figure.ts';
import { interleave } from '../interleave.ts';
import { Wire } from '../load/wire.ts';
import type { Measurement } from '../measurement.ts';
import { startChild } from '../child.ts';
import { median, medianDifference } from '../statistics.ts';

/** What a middleware adds to one request to an Express route, over loopback, with the same headers on every route. */
export const expressAdded: Measurement = {
  name: 'express',
  async measure(effort) {
    const rounds = effort === 'full' ? 6000 : 100;
    const port = await freePort();
    const origin = `http://127.0.0.1:${port}`;
    await using daemon = await startBundle({ use: `${origin}/` });
    using _apis = await startChild('express-apis', { port, origin, jwks: `${daemon.publicUrl}/jwks` });
    await using identity = await connect({ socket: daemon.socket });
    const wire = await Wire.open({ host: '127.0.0.1', port });

    const call = async (route: string): Promise<number> => {
      const request = await requestFor(identity, origin, route);
      const start = performance.now();
      const answer = await wire.exchange(request);
      const took = (performance.now() - start) * 1000;
      if (answer.status !== 200) throw new Error(`${route} answered ${answer.status} ${answer.body()}`);
      return took;
    };
    const times = await interleave(
      { open: () => call('/open'), ours: () => call('/tallystick'), auth0: () => call('/auth0') },
      { rounds, warmUp: Math.ceil(rounds / 4) },
    );
    wire.close();
    return [
      figure({
        name: 'express/express-oauth2-jwt-bearer',
        what: '`protect(verifier)`, added to an Express route',
        unit: 'µs',
        ours: medianDifference(times.ours, times.open),
        peer: { of: 'express-oauth2-jwt-bearer', value: medianDifference(times.auth0, times.open) },
        goal: { ratioAtMost: 0.25 },
      }),
      figure({ name: 'express/open', what: 'the Express route alone', unit: 'µs', ours: median(times.open) }),
    ];
  },
};

async function requestFor(identity: Identity, origin: string, route: string): Promise<Buffer> {
  const { authorization, dpop } = await identity.authorize({ method: 'GET', url: origin + route });
  return Buffer.from(
    `GET ${route} HTTP/1.1\r\nHost: ${new URL(origin).host}\r\nAuthorization: ${authorization}\r\nDPoP: ${dpop}\r\n\r\n`,
    'latin1',
  );
}
