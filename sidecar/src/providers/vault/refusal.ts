import { TallystickError } from '@tallystick/core';
import { refusalOf, type UpstreamAnswer } from '../upstream-http.ts';

const NOT_THERE = /not found|unknown role|invalid accessor|no handler for route|unsupported (operation|path)/i;

/**
 * Returns the error that an answer of Vault stands for which is no success. Vault says much by words that a status does
 * not tell; of the words nothing is repeated.
 */
export function vaultRefusal(name: string, what: string, answer: UpstreamAnswer, nowMs: number): TallystickError {
  const { status } = answer;
  const words = errorsOf(answer.text);
  if (status === 503 && /is sealed|not initialized/i.test(words)) {
    return new TallystickError('upstream_sealed', `"${name}" is sealed`);
  }
  switch (status) {
    // A standby that may not forward what it is asked.
    case 307:
    case 472:
    case 473:
      return new TallystickError('upstream_unavailable', `"${name}" is a standby, and names another node`, {
        remedy: 'point "address" to the active node, or to a load balancer that knows it',
      });
    // A standby that has not yet read what was written just now.
    case 412:
      return new TallystickError('upstream_unavailable', `"${name}" is not up to date yet`);
    case 400:
    case 405:
      if (NOT_THERE.test(words)) {
        return new TallystickError('upstream_not_found', `"${name}" has nothing at ${what}`);
      }
      return new TallystickError('upstream_denied', `"${name}" refuses what is asked of ${what}`, {
        remedy: 'compare the credential with what its role in Vault allows; Vault’s own log has its words',
      });
    default:
      return refusalOf(name, what, answer, nowMs);
  }
}

function errorsOf(text: string): string {
  try {
    const { errors } = JSON.parse(text) as { errors?: unknown };
    return Array.isArray(errors) ? errors.join('\n') : '';
  } catch {
    return '';
  }
}
