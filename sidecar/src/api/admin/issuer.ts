import { jwkSet } from '../../issuer/jwks.ts';
import type { Signer } from '../../issuer/signer.ts';
import type { Log } from '../../observe/log.ts';
import type { OperatorRecords } from '../../record/operator-records.ts';
import { operatorOf } from './operator.ts';
import type { AdminRoute } from './route.ts';

/** What the issuer commands are made of. */
export interface AdminIssuerParts {
  readonly signer: Signer;
  /** Signs sealed answers. */
  readonly replySigner: Pick<Signer, 'keys'>;
  readonly trustDomain: string;
  readonly records: OperatorRecords;
  readonly log: Log;
}

/** `issuer export|trust|rotate`. */
export function adminIssuerRoutes(parts: AdminIssuerParts): readonly AdminRoute[] {
  const { signer, replySigner, trustDomain, records, log } = parts;
  return [
    {
      method: 'GET',
      path: '/v1/issuer',
      handle: () => ({
        issuer: signer.issuer,
        trust_domain: trustDomain,
        jwks: jwkSet(signer.keys()),
        reply_keys: replySigner.keys().map(({ kid }) => kid),
      }),
    },
    {
      method: 'POST',
      path: '/v1/issuer/rotate',
      command: 'issuer rotate',
      async handle({ peer, body }) {
        const operator = await operatorOf(peer, body.reason);
        let recordId: string | null = null;
        const { kid, previous } = await signer.rotate(async (rotation) => {
          recordId = (await records.keyRotated(rotation.kid, rotation.previous, operator)).id;
        });
        log.info('issuer key rotated', { kid, previous, uid: operator.uid, reason: operator.reason });
        return { kid, previous, record_id: recordId };
      },
    },
  ];
}
