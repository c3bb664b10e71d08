import { JWT_TYPE } from '@tallystick/core';
import type { KeyRole } from './signer.ts';

/** The `typ` of every JWT that keys of a role sign. No two that our own verifiers accept share one. */
const TYPES: Readonly<Record<KeyRole, readonly string[]>> = {
  token: [JWT_TYPE.accessToken, JWT_TYPE.revocations],
  reply: [JWT_TYPE.credential],
  client: [JWT_TYPE.clientAssertion, JWT_TYPE.plain],
  federation: [JWT_TYPE.plain, JWT_TYPE.authorizationGrant],
};

/** @throws {TypeError} Keys of this role do not sign JWTs of that type. */
export function assertMaySign(role: KeyRole, typ: string): void {
  if (!TYPES[role].includes(typ)) throw new TypeError(`a key of the role "${role}" does not sign "${typ}"`);
}
