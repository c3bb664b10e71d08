import { TallystickError } from '@tallystick/core';
import { OwnSecretMissing } from '../own-secret-missing.ts';
import { UpstreamProofRequired } from '../upstream-proof-required.ts';

/**
 * What a failed call tells of its upstream. `trouble`: it does not serve, whoever asks. `refusal`: it serves, and does
 * not give this. `applicant`: it lacks what the one who asked has to add; the next may have it. `elsewhere`: it was not
 * asked, for want of something that another one has.
 */
export type Failure = 'trouble' | 'refusal' | 'applicant' | 'elsewhere';

/** Judges a failed call. Pure. */
export function judgeFailure(error: unknown): Failure {
  if (!TallystickError.is(error)) return 'refusal';
  if (error instanceof OwnSecretMissing) return 'elsewhere';
  if (error instanceof UpstreamProofRequired) return 'applicant';
  switch (error.code) {
    case 'csr_refused':
      return 'applicant';
    case 'upstream_unavailable':
    case 'upstream_rate_limited':
    case 'upstream_sealed':
    // Of the sidecar itself, not of one credential; and who logs in wrongly again and again is locked out.
    case 'upstream_login_refused':
      return 'trouble';
    default:
      return 'refusal';
  }
}

/** Returns the code that stands for an error in status and metrics. */
export function codeOf(error: unknown): string {
  return TallystickError.is(error) ? error.code : 'internal_error';
}
