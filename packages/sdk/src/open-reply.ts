import { TallystickError, type CredentialType } from '@tallystick/core';
import {
  parseReplyClaims,
  parseSealedReply,
  verifyReply,
  type CredentialReply,
  type Materials,
  type OneTimeKey,
  type ReplyExpectation,
} from '@tallystick/protocol';

/** A reply to a request for a credential of type `K`. */
export type ReplyOf<K extends CredentialType> = CredentialReply & { readonly material: Materials[K] };

/** What an answer must be, to be the answer to a request. */
export interface ExpectedReply<K extends CredentialType> extends Omit<ReplyExpectation, 'sealedTo' | 'type'> {
  readonly type: K;
  /** The key of that request. */
  readonly oneTimeKey: OneTimeKey;
  /** True for a key of the sidecar; undefined where nothing says which those are. */
  readonly isReplyKey: ((thumbprint: string) => boolean) | undefined;
}

/**
 * Opens an answer of `POST /v1/credentials/{name}` and judges all that it says: it is sealed to the key of this request,
 * signed, by the sidecar where that is known, and an answer to this very request of this workload.
 *
 * @throws {TallystickError} `protocol_error`; `reply_untrusted`: it is not signed by a key of the sidecar.
 */
export function openReply<K extends CredentialType>(body: string, expected: ExpectedReply<K>): ReplyOf<K> {
  const { oneTimeKey, isReplyKey, ...request } = expected;
  const { signedBy, claims } = verifyReply(oneTimeKey.open(parseSealedReply(body)));
  if (isReplyKey && !isReplyKey(signedBy)) {
    throw new TallystickError('reply_untrusted', 'an answer is signed by a key that the trust file does not name');
  }
  return parseReplyClaims(claims, { ...request, sealedTo: oneTimeKey.thumbprint });
}
