import { calculateJwkThumbprint, decodeJwt, decodeProtectedHeader } from 'jose';
import { AUDIENCE, SERVICE } from '../config.ts';
import type { Part } from '../part.ts';

export const binding: Part = async ({ checks, wiretap }) => {
  checks.part('2  Its token is good for one key, which only the service has');
  const { token, proof } = wiretap.requests.at(-1)!;
  const claims = decodeJwt(token);
  const { jkt } = claims.cnf as { jkt: string };
  const { lease, owner, processes } = claims.tallystick as {
    lease: string;
    owner: { id: string };
    processes: readonly string[];
  };
  checks.show('sub', String(claims.sub));
  checks.show('aud', String(claims.aud));
  checks.show('scope', String(claims.scope));
  checks.show('lives', `${claims.exp! - claims.iat!} s`);
  checks.show('lease', lease);
  checks.show('owner', owner.id);
  checks.show('processes', processes.join(', '));
  checks.show('cnf.jkt', jkt);
  checks.holds('it names the service and its API', claims.sub === SERVICE && claims.aud === AUDIENCE);
  const { jwk, alg } = decodeProtectedHeader(proof);
  checks.holds(
    'the key that signed the request is the key of the token',
    (await calculateJwkThumbprint(jwk!)) === jkt,
    alg,
  );
  checks.holds('a lease id is on it, as in the record and the spans', lease.startsWith('ls_'));
};
