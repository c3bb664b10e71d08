import { isClaimText, isLeaseId, isSpiffeId, isUlid, type IdentityObject, type Owner } from '@tallystick/core';
import { flag, hasShape, integer, list, matching, nullable, object, oneOf, text, type Shape } from './shape.ts';

/** What a workload says of itself: at most 128 printable ASCII characters. */
export const claim: Shape<string> = matching('1 to 128 printable ASCII characters', isClaimText);

export const ulidText: Shape<string> = matching('a ULID', (value) => typeof value === 'string' && isUlid(value));

export const leaseText: Shape<string> = matching(
  'a lease id',
  (value) => typeof value === 'string' && isLeaseId(value),
);

export const spiffeText: Shape<string> = matching(
  'a SPIFFE ID',
  (value) => typeof value === 'string' && isSpiffeId(value),
);

/** A word of a closed or slowly growing set: a reason, a status, a provider's name, a command. */
export const word: Shape<string> = text(128, /^[A-Za-z0-9][\w.:/ -]*$/, 'a word of at most 128 characters');

/** One line for a person to read. */
export const line: Shape<string> = text(
  512,
  // eslint-disable-next-line no-control-regex
  /^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]+$/,
  'one line of at most 512 characters',
);

/** A SHA-256 digest in base64url, as our own JSON has it. */
export const digest: Shape<string> = text(43, /^[\w-]{42}[AEIMQUYcgkosw048]$/, 'a SHA-256 digest in base64url');

/** A SHA-256 digest in base64, as C2SP checkpoints and proofs have it. */
export const hash64: Shape<string> = text(44, /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/, 'a SHA-256 digest in base64');

const TIME =
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}(?:\d{3}){0,2}Z$/;

/** An instant: RFC 3339 in UTC, with 3, 6 or 9 digits of a second. */
export const time: Shape<string> = matching('an RFC 3339 time in UTC with 3, 6 or 9 decimals', isTime);

/** True for an instant as records have it; a day that its month does not have is none, nor is a leap second. */
export function isTime(value: unknown): value is string {
  if (typeof value !== 'string' || !TIME.test(value)) return false;
  const day = value.slice(0, 10);
  // Every month has 28 days; the calendar is asked for the others alone.
  return day < `${day.slice(0, 8)}29` || new Date(`${day}T00:00:00Z`).toISOString().startsWith(day);
}

/** A day of the calendar. */
export const day: Shape<string> = matching(
  'a day as YYYY-MM-DD',
  (value) => typeof value === 'string' && /^\d{4}-\d\d-\d\d$/.test(value) && isTime(`${value}T00:00:00.000Z`),
);

/** `<trust domain>/<sidecar id>/<incarnation>/<shard>`; both numbers count from 1. */
export const originText: Shape<string> = text(
  400,
  /^[a-z0-9._-]{1,255}\/[\w.-]{1,100}\/[1-9]\d{0,8}\/[1-9]\d{0,8}$/,
  'an origin',
);

/** A head of a log, without its signatures. */
export const head: Shape<{ readonly origin: string; readonly size: number; readonly root: string }> = object({
  origin: originText,
  root: hash64,
  size: integer(0),
});

// No "@": an id of the directory, never an e-mail address.
const directoryId: Shape<string> = text(128, /^[^@\p{Cc}]+$/u, 'an opaque directory id of at most 128 characters');

export const owner: Shape<Owner> = object({
  accountable: nullable(directoryId),
  backup: nullable(directoryId),
  id: directoryId,
  kind: oneOf('team', 'role', 'person'),
});

// The longest is a selector with a path. How many there may be is bounded by the length of a record.
const label: Shape<string> = text(4200);
const labels = list(label, 10_000);

/** Scope values with one space between; the empty string for none (RFC 6749 §3.3). */
const scope: Shape<string> = matching('a scope', (value) => value === '' || hasShape(label, value));

/** The last head of the log before, with its signatures where it could be read as it was signed. */
export const previousHead = object({
  checkpoint: nullable(text(16_384)),
  origin: originText,
  root: hash64,
  size: integer(0),
});

/** One identity as the registry holds it. */
export const identityObject: Shape<IdentityObject> = object({
  businessProcesses: list(claim, 10_000),
  entitlements: list(
    object({ credential: label, minAssurance: oneOf('socket', 'process', 'platform'), scope: nullable(scope) }),
    10_000,
  ),
  environment: label,
  expires: day,
  id: spiffeText,
  kind: oneOf('workload', 'service', 'ai_agent', 'ci_job', 'device'),
  match: list(labels, 10_000),
  owner,
  purpose: text(1024),
  receives: labels,
  revocable: oneOf('exp', 'prompt'),
});

/** Who wrote a change of the registry, who agreed, and where that can be read. */
export const change = nullable(
  object({
    approver: nullable(directoryId),
    author: nullable(directoryId),
    ref: nullable(line),
    signature: nullable(text(4096)),
  }),
);

/** Who gave an administrative command. Without a `loginUid` it is nobody who logged in: unattributed. */
export const operator = object({
  loginUid: nullable(integer(0)),
  reason: line,
  tty: nullable(text(128)),
  uid: integer(0),
});

/** What a reader of the log asked for: the parts of a query. */
export const recordQuery = object(
  {},
  {
    from: time,
    identity: text(2048),
    lease: text(64),
    outcome: word,
    owner: text(128),
    process: text(128),
    run: text(128),
    to: time,
    type: text(64),
  },
);

/** How durable records are here, and on what file system. */
export const durability = object({ class: oneOf('node', 'replicated', 'none'), fileSystem: nullable(word) });

/** What takes a right away does not wait for its record: when it did, and whether that was before this record. */
export const takingAway = { effectiveAt: nullable(time), late: flag };
