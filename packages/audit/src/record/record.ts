import { CREDENTIAL_BODIES } from './credential-bodies.ts';
import { IDENTITY_BODIES } from './identity-bodies.ts';
import { LOG_BODIES } from './log-bodies.ts';
import { SIDECAR_BODIES } from './sidecar-bodies.ts';
import {
  claim,
  digest,
  hash64,
  leaseText,
  line,
  originText,
  owner,
  spiffeText,
  time,
  ulidText,
  word,
} from './values.ts';
import {
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
  type ShapeOf,
} from './shape.ts';

/** What kinds of records there are, and the shape of each body. Closed for us, open for a reader of later logs. */
export const BODIES = { ...LOG_BODIES, ...IDENTITY_BODIES, ...CREDENTIAL_BODIES, ...SIDECAR_BODIES } as const;

export type RecordType = keyof typeof BODIES;

/** The body of each type, in the one version that this release writes. */
export type RecordBodies = { readonly [T in RecordType]: ShapeOf<(typeof BODIES)[T]> };

/** The version of every body that this release writes and judges. */
export const BODY_VERSION = 1;

/** True for a type that this release knows. */
export function isRecordType(type: string): type is RecordType {
  return Object.hasOwn(BODIES, type);
}

/** Returns what is wrong with a body as it is to be written, as the rest of a sentence; undefined where nothing is. */
export function bodyFault(type: RecordType, body: unknown): string | undefined {
  return BODIES[type].fault(body, true);
}

const version = integer(1);

/** The business process: what the configuration says, what the workload says, and whether they agree. */
const processMember = object({
  claimed: nullable(object({ id: claim, run: nullable(claim), ticket: nullable(claim) })),
  match: nullable(flag),
  registered: list(claim, 10_000),
});

const actor: Shape<string> = matching(
  '"sidecar", "operator" or a SPIFFE ID',
  (value) => value === 'sidecar' || value === 'operator' || hasShape(spiffeText, value),
);

/** What every record has beside its type and body. Members stand in canonical order. */
const ENVELOPE = {
  /** Who did it. */
  actor,
  /** ULID of the run of the writer. */
  boot: ulidText,
  /** How far the clock is off, at boots and heartbeats. */
  clock: nullable(
    object({ offset_ms: nullable(integer(-Number.MAX_SAFE_INTEGER)), source: nullable(word), synced: nullable(flag) }),
  ),
  /** Id of the record that this one answers to: of the intent, for what became of it. */
  corr: nullable(ulidText),
  id: ulidText,
  /** The one id of a lease, in every system. */
  lease: nullable(leaseText),
  origin: originText,
  outcome: oneOf('success', 'denied', 'failed', 'unknown'),
  /** Who answers for the identity, as it was registered then. */
  owner: nullable(owner),
  process: nullable(processMember),
  /** A word of a closed set, or what `--reason` said. */
  reason: nullable(line),
  /** Other records and leases that this one is about; in this log where `origin` is null. */
  refs: list(
    object({
      id: matching<string>('a ULID or a lease id', (value) => hasShape(ulidText, value) || hasShape(leaseText, value)),
      leafHash: nullable(hash64),
      origin: nullable(originText),
      rel: word,
    }),
    64,
  ),
  /** Digest of all identities in force, and of this one's own object. Null before a configuration is in force. */
  registry: nullable(object({ entry: nullable(digest), root: digest })),
  /** The index of its leaf. */
  seq: integer(0),
  time,
  /** The trace that the request came with, as it claims. */
  trace: nullable(
    object({
      span_id: text(16, /^[0-9a-f]{16}$/, 'a span id'),
      trace_id: text(32, /^[0-9a-f]{32}$/, 'a trace id'),
    }),
  ),
  type: text(64, /^[a-z]+(?:\.[a-z_]+)+$/, 'a record type'),
  v: matching<1>('1', (value) => value === 1),
} as const;

export const envelopeShape = object({ ...ENVELOPE, body: matching<object>('an object', isBody) });

/** Each type's whole record, made when it is first written. */
const shapes = new Map<RecordType, Shape<unknown>>();

/** True for a record that has its shape as it is to be written, and whose members stand in canonical order. */
export function isCanonicalRecord(type: RecordType, record: unknown): boolean {
  let shape = shapes.get(type);
  if (!shape) {
    const body: Shape<unknown> = BODIES[type];
    shape = object({ ...ENVELOPE, body });
    shapes.set(type, shape);
  }
  return shape.isCanonical(record);
}

/** What every record has. */
export type Envelope = Omit<ShapeOf<typeof envelopeShape>, 'type' | 'body'>;

/** A record whose type and body this release knows: which body it has follows from its type. */
export type AuditRecord<T extends RecordType = RecordType> = {
  readonly [K in T]: Envelope & { readonly type: K; readonly body: RecordBodies[K] };
}[T];

/** A record of another release. Its envelope holds; what it means is not judged. */
export type ForeignRecord = Envelope & { readonly type: string; readonly body: { readonly v: number } };

function isBody(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    hasShape(version, (value as { v?: unknown }).v)
  );
}
