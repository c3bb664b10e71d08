import { claim, digest, leaseText, operator, spiffeText, takingAway, time, word } from './values.ts';
import {
  dictionary,
  flag,
  hasShape,
  integer,
  list,
  matching,
  nullable,
  object,
  oneOf,
  text,
  type Shape,
} from './shape.ts';

const name = text(2048);
const scope = list(text(2048), 2048);
const client: Shape<string> = matching(
  'a SPIFFE ID or 1 to 128 printable ASCII characters',
  (value) => hasShape(spiffeText, value) || hasShape(claim, value),
);

/**
 * Public names under which other systems' logs know what was handed out: CloudTrail, PostgreSQL, a CA. Of a Vault
 * lease the HMAC, as Vault's own audit log has it.
 */
const handles = object(
  {},
  {
    accessKeyId: text(128),
    certificateSerial: text(128),
    databaseUser: text(128),
    jti: text(256),
    vaultLeaseHmac: text(256),
  },
);

/** What was asked for, what was given, and on which evidence; the same for all that becomes of a request. */
const common = {
  binding: nullable(oneOf('dpop', 'mtls', 'sigv4', 'none')),
  /** The entitlement that allowed it; null when none did. */
  entitlement: nullable(name),
  /** Keyed fingerprint of the bytes handed out: the key's id, and the HMAC. */
  fp: nullable(text(128, /^hmac-sha256:[A-Za-z0-9]{1,16}:[0-9a-f]{32,64}$/, 'a keyed fingerprint')),
  granted: nullable(object({ audience: nullable(name), scope })),
  handles: nullable(handles),
  /** The credential's name in the configuration; null when none was found. */
  name: nullable(name),
  /** When it ends. */
  notAfter: nullable(time),
  /** Who makes it: `issuer` is the sidecar's own. Null when no credential was found. */
  provider: nullable(word),
  requested: nullable(object({ clientId: nullable(client), resource: nullable(text(2048)), scope: nullable(scope) })),
  /** SHA-256 of the canonical JSON of what was asked; approvals bind to it. */
  requestHash: nullable(digest),
  selectors: list(text(4200), 1000),
  source: nullable(oneOf('minted', 'cache')),
};

/** `iat` in whole seconds: a proof may have a fraction, a record has none. */
const proof = object({ iat: integer(-Number.MAX_SAFE_INTEGER), jti: text(256), sha256: digest });
const assurance = oneOf('socket', 'process', 'platform');
const from = object({ node: text(255), pid: integer(0), podUid: nullable(text(64)), uid: integer(0) });

/** A request of a workload: its key and its process are known. */
const asked = object({ ...common, assurance, from, jkt: digest, proof, requestHash: digest, v: integer(1) });

/** The same where the sidecar acts by its timer, and nobody asked. */
const unattended = object({
  ...common,
  assurance: nullable(assurance),
  from: nullable(from),
  jkt: nullable(digest),
  proof: nullable(proof),
  v: integer(1),
});

const minute = { counts: dictionary(word, integer(0), 256), first: time, last: time, uid: integer(-1), v: integer(1) };

/** Bodies of the records of what workloads asked for, got, and did with it. */
export const CREDENTIAL_BODIES = {
  /** Durable before an upstream is asked to make a credential. Its id is the `corr` of what becomes of it. */
  'credential.intent': unattended,
  /**
   * What the upstream did. `not_made`: the request for it never left. `expired`: it has ended by itself what could not be ended.
   * `unknown` and `unreachable` leave the intent open.
   */
  'credential.outcome': object({
    error: nullable(word),
    handles: nullable(handles),
    notAfter: nullable(time),
    provider: word,
    status: oneOf('minted', 'refused', 'not_made', 'unknown', 'unreachable', 'revoked', 'not_found', 'expired'),
    v: integer(1),
  }),
  'credential.released': asked,
  'credential.denied': asked,
  /** That a release on record did not leave: `refs` names it, `reason` says why. */
  'credential.undelivered': object({ v: integer(1) }),
  'credential.renewed': unattended,
  'credential.rotated': unattended,
  /** Which leases were taken back, by whom. `jkt`: the key whose tokens all ended. `upstream`: what it said. */
  'credential.revoked': object({
    by: oneOf('holder', 'operator', 'sidecar'),
    ...takingAway,
    identity: nullable(spiffeText),
    jkt: nullable(digest),
    leases: list(leaseText, 1000),
    operator: nullable(operator),
    upstream: nullable(oneOf('revoked', 'not_found', 'unreachable')),
    v: integer(1),
  }),
  /** Leases that an operator asked the holders to replace. */
  'credential.rotate_asked': object({ leases: list(leaseText, 1000), operator, v: integer(1) }),
  /** From the first denial of a minute that was not recorded one by one, to the last; null while the minute lasts. */
  'denied.suppressed': object({
    count: nullable(integer(0)),
    first: time,
    last: nullable(time),
    reason: word,
    uid: integer(-1),
    v: integer(1),
  }),
  /** Callers that nobody recognised, in one minute, by code. */
  'attest.summary': object(minute),
  /** What was refused before `authorize`, in one minute, by code. */
  'refused.summary': object(minute),
  /** What a holder says it did with its leases. A claim: no right is removed on it alone. */
  'usage.reported': object({
    /** The last report of this holder: it has closed. */
    final: flag,
    grade: oneOf('reported'),
    jkt: digest,
    /** Counts the reports of this holder from 0; a gap is a report that was lost. */
    report: integer(0),
    uses: list(
      object({
        count: integer(1),
        first: time,
        last: time,
        lease: leaseText,
        process: nullable(object({ id: claim, run: nullable(claim), ticket: nullable(claim) })),
        target: text(300),
      }),
      64,
    ),
    v: integer(1),
  }),
} as const;
