import { TallystickError } from '@tallystick/core';

/** That an authorization server must see a proof by the workload's own key: it binds its token to that (RFC 9449 §5). */
export class UpstreamProofRequired extends TallystickError {
  /** The token endpoint. */
  readonly htu: string;
  /** The newest nonce of that server, where it has given one. */
  readonly nonce: string | undefined;

  constructor(htu: string, nonce: string | undefined) {
    super('upstream_proof_required', `a proof for ${new URL(htu).origin} is needed`);
    this.htu = htu;
    this.nonce = nonce;
  }
}
