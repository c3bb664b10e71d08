import type { Clock } from '@tallystick/core';
import { LIST_LIFETIME_SECONDS, mintRevocationList } from '../issuer/revocation-list.ts';
import type { Signer } from '../issuer/signer.ts';
import type { Standing } from '../state/standing.ts';
import type { Answer } from './answer.ts';
import { etagOf, isKnown } from './etag.ts';

/** A revocation list, and the ETag over its bytes. */
interface SignedList {
  readonly jwt: string;
  readonly etag: string;
}

/** Answers `GET /revocations`, given its `If-None-Match`. */
export type RevocationAnswer = (ifNoneMatch: string | undefined) => Promise<Answer>;

/**
 * Returns what answers `GET /revocations`, of the workload sockets and the public listener alike. The list is signed
 * again when it changed, when the key did, and after half of its life; in between all who ask share one.
 */
export function createRevocationAnswer(parts: {
  readonly signer: Signer;
  readonly standing: Standing;
  readonly clock: Pick<Clock, 'nowMs'>;
}): RevocationAnswer {
  const { signer, standing, clock } = parts;
  let list: { readonly of: string; readonly renewAt: number; readonly signed: Promise<SignedList> } | undefined;

  const revocationList = (): Promise<SignedList> => {
    const now = Math.floor(clock.nowMs() / 1000);
    const of = `${standing.version} ${signer.currentKid()}`;
    // A list from further ahead than half of its life was signed by a clock that has been set back since.
    if (!list || list.of !== of || now >= list.renewAt || now < list.renewAt - LIST_LIFETIME_SECONDS) {
      const signed = mintRevocationList(signer, standing.revocations(), now).then((jwt) => ({
        jwt,
        etag: etagOf(jwt),
      }));
      list = { of, renewAt: now + LIST_LIFETIME_SECONDS / 2, signed };
      signed.catch(() => (list = undefined));
    }
    return list.signed;
  };

  return async (ifNoneMatch) => {
    const { jwt, etag } = await revocationList();
    const headers = { etag, 'cache-control': 'no-cache' };
    if (isKnown(etag, ifNoneMatch)) return { status: 304, type: '', body: '', headers };
    return { status: 200, type: 'application/jwt', body: jwt, headers };
  };
}
