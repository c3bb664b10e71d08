import { TallystickError } from '@tallystick/core';
import type { AssertionKeys, AssertionRole } from '../../issuer/assertion-keys.ts';
import { jwkSet } from '../../issuer/jwks.ts';
import type { Signer } from '../../issuer/signer.ts';
import type { Log } from '../../observe/log.ts';
import type { OperatorRecords } from '../../record/operator-records.ts';
import { operatorOf } from './operator.ts';
import type { AdminRoute } from './route.ts';

/** What the commands on keys for upstreams are made of. */
export interface AdminAssertionKeysParts {
  readonly assertionKeys: AssertionKeys;
  readonly records: OperatorRecords;
  readonly log: Log;
}

/** `issuer publish`, and `issuer rotate --role client|federation`. */
export function adminAssertionKeyRoutes({
  assertionKeys,
  records,
  log,
}: AdminAssertionKeysParts): readonly AdminRoute[] {
  const { federationUrl } = assertionKeys;
  const setOf = async (role: AssertionRole) => jwkSet((await assertionKeys.signers(role)).flatMap((one) => one.keys()));
  return [
    {
      method: 'GET',
      path: '/v1/issuer/files',
      handle: async () => ({
        federation: federationUrl === undefined ? null : { issuer: federationUrl, jwks: await setOf('federation') },
        client: { jwks: await setOf('client') },
      }),
    },
    {
      method: 'POST',
      path: '/v1/issuer/files',
      async handle({ body }) {
        const kids = kidsOf(body.kids);
        for (const signer of assertionKeys.opened()) await signer.announce(kids);
        return { announced: kids };
      },
    },
    {
      method: 'POST',
      path: '/v1/issuer/assertion-keys/rotate',
      command: 'issuer rotate',
      async handle({ peer, body }) {
        const operator = await operatorOf(peer, body.reason);
        const role = roleOf(body.role);
        const rotate = async (signer: Signer): Promise<object> => {
          let recordId: string | null = null;
          const { kid, previous } = await signer.rotate(async (rotation) => {
            recordId = (await records.keyRotated(rotation.kid, rotation.previous, operator)).id;
          });
          log.info('issuer key rotated', { role, kid, previous, uid: operator.uid, reason: operator.reason });
          return { kid, previous, record_id: recordId };
        };
        const rotations: object[] = [];
        const failures: unknown[] = [];
        for (const signer of await assertionKeys.signers(role)) {
          await rotate(signer).then(
            (rotation) => rotations.push(rotation),
            (error: unknown) => failures.push(error),
          );
        }
        // The keys of one algorithm may be younger than those of another.
        if (rotations.length === 0) throw failures[0];
        return { role, rotations };
      },
    },
  ];
}

function roleOf(value: unknown): AssertionRole {
  if (value === 'client' || value === 'federation') return value;
  throw new TallystickError('invalid_request', 'there are no keys of that role', {
    remedy: 'name "client" or "federation"',
  });
}

function kidsOf(value: unknown): readonly string[] {
  const isKids = Array.isArray(value) && value.length <= 100 && value.every((kid) => typeof kid === 'string');
  if (!isKids) throw new TallystickError('invalid_request', '"kids" is not a list of key ids');
  return value as readonly string[];
}
