import {
  digest,
  durability,
  head,
  leaseText,
  operator,
  originText,
  previousHead,
  recordQuery,
  time,
  ulidText,
  word,
} from './values.ts';
import { integer, list, nullable, object, oneOf, text } from './shape.ts';

const vkey = text(512, /^[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]+=*$/, 'a verifier key of a signed note');
const period = object({ from: time, to: time });
/** An IANA time zone, by which days and years were cut. */
const zone = text(64, /^[A-Za-z][\w+-]*(?:\/[\w+-]+)*$/, 'a time zone');

/**
 * Which key makes the fingerprints; and the public key that it is sealed to for later (SubjectPublicKeyInfo, base64),
 * with the sealed key (RSAES-OAEP with SHA-256, base64); null where there is none.
 */
const fingerprints = object({ escrow: nullable(text(1024)), id: word }, { sealed: nullable(text(1024)) });

/** Bodies of the records in which a log tells of itself. Members stand in canonical order: then nothing is sorted. */
export const LOG_BODIES = {
  /** The first leaf of an incarnation. `previous` is the last good head of the one before; null for the first. */
  'log.genesis': object({
    /** Why it began: a new log, or a tail that was lost, repaired by an operator, or found behind an anchor. */
    cause: oneOf('new', 'tail_lost', 'repaired', 'behind_anchor'),
    durability,
    fingerprints: nullable(fingerprints),
    fiscalYearStart: nullable(text(5, /^(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])$/, 'a month and a day')),
    operator: nullable(operator),
    previous: nullable(previousHead),
    v: integer(1),
    version: word,
    vkey,
    zone,
  }),
  /** A start of the writer. `openIntents` are those without an outcome that it found. */
  'log.boot': object({
    durability,
    openIntents: integer(0),
    previousBoot: nullable(ulidText),
    v: integer(1),
    version: word,
  }),
  /** That the writer is alive, when nothing else says it. `anchor` is the newest anchored head it knows. */
  'log.heartbeat': object({ anchor: nullable(head), durability, v: integer(1) }),
  /** A torn tail that nobody was promised was dropped. */
  'log.recovered': object({ droppedBytes: integer(0), segment: word, size: integer(0), v: integer(1) }),
  /** The first leaf of a later shard. The counts say how many records of state follow it. */
  'log.shard_opened': object(
    {
      cause: oneOf('period', 'size'),
      identities: integer(0),
      intents: integer(0),
      leases: integer(0),
      previous: previousHead,
      v: integer(1),
      vkey,
    },
    /** As in the first record of the incarnation, whose shard may be gone. */
    { fingerprints: nullable(fingerprints) },
  ),
  /** What was open as a shard began: leases in force, and intents without an outcome. */
  'log.carried': object({
    intents: list(object({ id: ulidText, lease: leaseText, origin: originText, time }), 200),
    leases: list(leaseText, 1000),
    v: integer(1),
  }),
  /** The last leaf of a shard. */
  'log.shard_closed': object({ cause: oneOf('period', 'size', 'retired'), next: nullable(originText), v: integer(1) }),
  /** A closed shard is deleted on this machine: a replica has all of it. `head` is the one that closed it. */
  'log.shard_deleted': object({ head, v: integer(1) }),
  /** A period of the books has ended. */
  'log.period_closed': object({ period, v: integer(1), zone }),
  /** A hint: a key is trusted because the trust policy says so. */
  'log.key_rotated': object({ operator: nullable(operator), previous: vkey, v: integer(1), vkey }),
  /** Somebody read the log, by a command. `refs` name the records where they were few and meant one by one. */
  'log.read': object(
    {
      operator: nullable(operator),
      query: recordQuery,
      returned: integer(0),
      source: oneOf('index', 'leaves'),
      v: integer(1),
    },
    { command: word },
  ),
  /** Evidence was made of the log; `manifest` is the SHA-256 of its manifest. */
  'log.exported': object({
    cutOff: time,
    format: word,
    heads: list(head, 256),
    manifest: digest,
    operator: nullable(operator),
    query: recordQuery,
    rows: integer(0),
    v: integer(1),
    zone,
  }),
} as const;
