import { isSpiffeId, subjectMatches } from '@tallystick/core';
import { misconfigured } from './misconfigured.ts';

/** Every subject of an issuer but those that look like a SPIFFE ID. */
const ANY = '*';

/** @throws {TallystickError} `verifier_misconfigured` */
export function checkSubjects(subjects: readonly string[] | undefined, issuer: string): void {
  if (!Array.isArray(subjects) || subjects.length === 0) {
    throw misconfigured(
      `"subjects" of ${issuer} must say for whom it may speak, such as "spiffe://acme.example/payments/"`,
    );
  }
  for (const subject of subjects as readonly unknown[]) {
    if (typeof subject !== 'string' || subject === '') throw misconfigured(`"subjects" of ${issuer} must hold texts`);
    if (subject === ANY && subjects.length > 1) {
      throw misconfigured(`"subjects" of ${issuer} has "*", which leaves nothing for another to add`);
    }
    if (/^spiffe:\/\/[^/]*$/.test(subject)) {
      throw misconfigured(
        `"subjects" of ${issuer} has a trust domain; with "/" at its end it covers all identities there`,
      );
    }
    if (subject.endsWith('/') && !isSpiffeId(subject.slice(0, -1))) {
      throw misconfigured(`"subjects" of ${issuer} has a prefix that is no SPIFFE ID; only those can be cut short`);
    }
  }
}

/**
 * True when an issuer with these `subjects` may speak for `subject`. `*` covers no SPIFFE ID: an issuer that is let
 * to name whom it likes must not be able to name one of ours.
 */
export function maySpeakFor(subjects: readonly string[], subject: string): boolean {
  return subjects.some((pattern) => (pattern === ANY ? !/^spiffe:/i.test(subject) : subjectMatches(pattern, subject)));
}
