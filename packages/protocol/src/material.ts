import type { CredentialType } from '@tallystick/core';
import { fault, readObject, readText, type Members } from './read.ts';

/** What each type of credential is made of, as a sealed answer carries it. Private keys are never in it. */
export interface Materials {
  /** A token of another authorization server, bound to a key of the workload. */
  readonly 'access-token': { readonly token: string; readonly audience: string; readonly scope: string };
  readonly aws: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken: string;
    /** Empty where the upstream does not say. */
    readonly accountId: string;
  };
  readonly gcp: { readonly token: string; readonly serviceAccount: string };
  readonly azure: { readonly token: string; readonly clientId: string; readonly tenantId: string };
  readonly database: { readonly username: string; readonly password: string };
  readonly secret: { readonly values: Readonly<Record<string, string>>; readonly version: string };
  /** PEM; `serial` is hexadecimal, lower case. */
  readonly x509: { readonly certificate: string; readonly authorities: string; readonly serial: string };
  readonly ssh: { readonly certificate: string; readonly serial: string };
}

/** The material of some type. */
export type Material = Materials[CredentialType];

/** Members of each type that may be empty. */
const MAY_BE_EMPTY: ReadonlySet<string> = new Set(['audience', 'scope', 'accountId', 'serviceAccount', 'version']);

const MEMBERS: { readonly [K in CredentialType]: readonly (keyof Materials[K] & string)[] } = {
  'access-token': ['token', 'audience', 'scope'],
  aws: ['accessKeyId', 'secretAccessKey', 'sessionToken', 'accountId'],
  gcp: ['token', 'serviceAccount'],
  azure: ['token', 'clientId', 'tenantId'],
  database: ['username', 'password'],
  secret: ['values', 'version'],
  x509: ['certificate', 'authorities', 'serial'],
  ssh: ['certificate', 'serial'],
};

/**
 * Reads the material of one type. Members that are not known are left out.
 *
 * @throws {TallystickError} `protocol_error`
 */
export function readMaterial<K extends CredentialType>(type: K, value: unknown, what: string): Materials[K] {
  const members = readObject(value, what);
  const entries = MEMBERS[type].map((name) => [name, readMember(members, name, what)]);
  return Object.fromEntries(entries) as Materials[K];
}

function readMember(members: Members, name: string, what: string): unknown {
  if (name === 'values') return readValues(members, what);
  return members[name] === '' && MAY_BE_EMPTY.has(name) ? '' : readText(members, name, what);
}

function readValues(members: Members, what: string): Readonly<Record<string, string>> {
  const values = readObject(members.values, what);
  for (const value of Object.values(values)) {
    if (typeof value !== 'string') throw fault(what, 'has something other than text in "values"');
  }
  return values as Readonly<Record<string, string>>;
}
