import type { TallystickError } from '@tallystick/core';
import { parseError, parseUpstreamProofAsk, type UpstreamProofAsk } from '@tallystick/protocol';
import type { SocketAnswer } from './transport.ts';

/** An answer that is not a success, with what its correction needs. */
export class Refused extends Error {
  readonly error: TallystickError;
  /** The nonce of the proof that was sent. */
  readonly nonce: string | undefined;
  readonly date: string | undefined;

  constructor(error: TallystickError, nonce: string | undefined, date: string | undefined) {
    super(error.message);
    this.error = error;
    this.nonce = nonce;
    this.date = date;
  }
}

/** The sidecar's answer where a credential takes a proof for another authorization server. */
export class UpstreamProofAsked extends Error {
  readonly ask: UpstreamProofAsk;
  readonly error: TallystickError;

  constructor(ask: UpstreamProofAsk, error: TallystickError) {
    super(error.message);
    this.ask = ask;
    this.error = error;
  }
}

/** Returns the error that an answer stands for. */
export function errorOf(answer: SocketAnswer, body: string): TallystickError {
  return parseError({ status: answer.status, body, retryAfter: answer.header('retry-after') });
}

/** Returns what an answer to a proven request is thrown as. */
export function refusalOf(answer: SocketAnswer, body: string, nonce: string | undefined): Refused | UpstreamProofAsked {
  const error = errorOf(answer, body);
  const ask = error.code === 'upstream_proof_required' ? parseUpstreamProofAsk(body) : undefined;
  return ask ? new UpstreamProofAsked(ask, error) : new Refused(error, nonce, answer.header('date'));
}
