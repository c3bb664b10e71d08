import { ProofError } from '@tallystick/dpop';
import type { RefusalReason } from './reason.ts';

/** That a check failed. Stays inside: `verify` turns it into a {@link Refusal} with its challenge. */
export class Fault extends Error {
  readonly reason: RefusalReason;

  /** @param description What failed, lower case; it is sent to the client, so it holds no secret. */
  constructor(reason: RefusalReason, description: string, cause?: unknown) {
    super(description, cause === undefined ? undefined : { cause });
    this.reason = reason;
  }
}

/** Returns the fault that `error` stands for, or undefined where it is a defect. */
export function faultOf(error: unknown): Fault | undefined {
  if (error instanceof Fault) return error;
  return error instanceof ProofError ? new Fault(`proof_${error.fault}`, error.description, error) : undefined;
}
