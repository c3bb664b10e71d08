import { isLeaseId, type Binding, type CredentialType } from '@tallystick/core';
import { readMaterial, type Material, type Materials } from './material.ts';
import { fault, readJson, readNumber, readObject, readOptionalText, readText, readTime } from './read.ts';

/** What the sidecar says of a credential it hands out, signed by its `reply` key, and then sealed. */
export interface CredentialReply {
  /** The issuer URL of the sidecar. */
  readonly issuer: string;
  /** SPIFFE ID of the workload it is for. */
  readonly identity: string;
  /** Thumbprint of the key that asked. */
  readonly jkt: string;
  /** Thumbprint of the one-time key that it is sealed to. */
  readonly sealedTo: string;
  /** `jti` of the proof of the request. */
  readonly request: string;
  /** Hash of the request's body, as its proof had it. */
  readonly bth: string;
  readonly name: string;
  readonly type: string;
  readonly binding: Binding;
  readonly leaseId: string;
  readonly issuedAt: Date;
  readonly rotateAt: Date;
  readonly expiresAt: Date;
  readonly recordId: string;
  readonly logHead: string | undefined;
  readonly material: Material;
}

/** What a reply must say: it is for this request and no other. */
export type ReplyExpectation = Pick<
  CredentialReply,
  'issuer' | 'identity' | 'jkt' | 'sealedTo' | 'request' | 'bth' | 'name'
> & { readonly type: CredentialType };

const WHAT = 'credential answer';
const BINDINGS: readonly string[] = ['dpop', 'mtls', 'sigv4', 'none'] satisfies Binding[];

/** Returns the claims of a reply: what the `reply` key signs, under `typ: tallystick-credential+jwt`. */
export function formatReplyClaims(reply: CredentialReply): string {
  return JSON.stringify({
    iss: reply.issuer,
    aud: reply.identity,
    // With its fraction (RFC 7519 §2): what is left of its life is counted from it, and must not come out as more.
    iat: reply.issuedAt.getTime() / 1000,
    exp: seconds(reply.expiresAt),
    cnf: { jkt: reply.jkt },
    ekt: reply.sealedTo,
    req: reply.request,
    bth: reply.bth,
    name: reply.name,
    type: reply.type,
    binding: reply.binding,
    lease_id: reply.leaseId,
    rotate_at: reply.rotateAt.toISOString(),
    record_id: reply.recordId,
    log_head: reply.logHead,
    credential: reply.material,
  });
}

/**
 * Reads the claims of a reply whose signature holds, and judges every one of them.
 *
 * @throws {TallystickError} `protocol_error`: it answers another request, or another workload, or is malformed.
 */
export function parseReplyClaims<K extends CredentialType>(
  claims: string,
  expected: ReplyExpectation & { readonly type: K },
): CredentialReply & { readonly material: Materials[K] } {
  const members = readJson(claims, WHAT);
  const { jkt } = readObject(members.cnf, WHAT);
  const said: [name: string, given: unknown, wanted: string][] = [
    ['iss', members.iss, expected.issuer],
    ['aud', members.aud, expected.identity],
    ['cnf.jkt', jkt, expected.jkt],
    ['ekt', members.ekt, expected.sealedTo],
    ['req', members.req, expected.request],
    ['bth', members.bth, expected.bth],
    ['name', members.name, expected.name],
    ['type', members.type, expected.type],
  ];
  for (const [name, given, wanted] of said) if (given !== wanted) throw fault(WHAT, `is for another "${name}"`);
  const binding = readText(members, 'binding', WHAT);
  const leaseId = readText(members, 'lease_id', WHAT);
  if (!isLeaseId(leaseId)) throw fault(WHAT, 'has a "lease_id" that is none');
  const issuedAt = instant(readNumber(members, 'iat', WHAT));
  const expiresAt = instant(readNumber(members, 'exp', WHAT));
  if (expiresAt <= issuedAt) throw fault(WHAT, 'has expired when it was made');
  const { issuer, identity, sealedTo, request, bth, name, type } = expected;
  return {
    issuer,
    identity,
    jkt: expected.jkt,
    sealedTo,
    request,
    bth,
    name,
    type,
    // One that is not known proves nothing that this version knows of.
    binding: BINDINGS.includes(binding) ? (binding as Binding) : 'none',
    leaseId,
    issuedAt,
    expiresAt,
    rotateAt: readTime(members, 'rotate_at', WHAT),
    recordId: readText(members, 'record_id', WHAT),
    logHead: readOptionalText(members, 'log_head', WHAT),
    material: readMaterial(type, members.credential, WHAT) as Material & Materials[K],
  };
}

/** Returns the JSON members of a successful answer. */
export function formatSealedReply(sealed: string): Record<string, unknown> {
  return { sealed };
}

/**
 * Returns the sealed reply of a successful answer.
 *
 * @throws {TallystickError} `protocol_error`
 */
export function parseSealedReply(body: string): string {
  return readText(readJson(body, WHAT), 'sealed', WHAT);
}

function seconds(time: Date): number {
  return Math.floor(time.getTime() / 1000);
}

function instant(value: number): Date {
  const time = new Date(Math.round(value * 1000));
  if (Number.isNaN(time.getTime())) throw fault(WHAT, 'has a time that is none');
  return time;
}
