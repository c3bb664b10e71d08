import { TallystickError } from './errors.ts';
import { isUlid } from './ulid.ts';

/**
 * What a verifier did with one token, one kind of request and one verdict in one interval: a line of a receipts file.
 *
 * What a token says stands here only where its signature was good; else all of it is null.
 */
export interface Receipt {
  readonly type: 'receipt';
  /** ULID of the run of the verifier. */
  readonly writer: string;
  /** Counts the lines of that run from 0: a gap is a line that is missing. */
  readonly seq: number;
  /** RFC 3339 in UTC, with milliseconds, as all times here. */
  readonly first: string;
  readonly last: string;
  /** How many requests. */
  readonly count: number;
  /** `accepted`, or the error code of the refusal. */
  readonly verdict: string;
  /** The check that failed; null where none did. */
  readonly reason: string | null;
  readonly issuer: string | null;
  /** Subject of the token. */
  readonly caller: string | null;
  /** The lease that the token names; null also for issuers that name none. */
  readonly lease: string | null;
  /** Id of the token. */
  readonly jti: string | null;
  /** The audience of the token that is this API's; its first one where none is. */
  readonly audience: string | null;
  /** Thumbprint of the key that the token is bound to; null also for a bearer token. */
  readonly jkt: string | null;
  readonly method: string;
  /** URL origin of the API as clients reach it; null where the request named none of them. */
  readonly origin: string | null;
}

/** What a run of a verifier says of its receipts as a whole: the other kind of line. */
export interface ReceiptMark {
  readonly type: 'mark';
  readonly writer: string;
  readonly seq: number;
  readonly time: string;
  /**
   * `opened`: the run begins. `continued`: it goes on in a new file. `written`: all that it verified before `time`
   * stands before this line. `closed`: the same, and the run is over.
   */
  readonly state: 'opened' | 'continued' | 'written' | 'closed';
  /** The audiences of the API. */
  readonly audiences: readonly string[];
  /** Verifications so far of which there is no receipt, because they could not be written. */
  readonly lost: number;
}

export type ReceiptLine = Receipt | ReceiptMark;

/** The version of the lines that this release writes and reads. */
export const RECEIPT_VERSION = 1;
/** The longest line, in characters. */
export const MAX_RECEIPT_LENGTH = 131_072;
/** The longest text in a line, in UTF-16 code units; what a token says beyond it is cut. */
export const MAX_RECEIPT_TEXT = 2_048;

const STATES: readonly unknown[] = ['opened', 'continued', 'written', 'closed'] satisfies ReceiptMark['state'][];

/** Returns a line of a receipts file, with its line feed. */
export function formatReceiptLine(line: ReceiptLine): string {
  return `${JSON.stringify({ v: RECEIPT_VERSION, ...line })}\n`;
}

/**
 * Reads a line of a receipts file, without its line feed. Strict: every member, each of its kind, and no other.
 *
 * @throws {TallystickError} `log_invalid`: it is none. `state_newer`: a later release wrote it.
 */
export function parseReceiptLine(text: string): ReceiptLine {
  const line = readObject(text);
  const { v, type } = line;
  if (typeof v === 'number' && Number.isSafeInteger(v) && v > RECEIPT_VERSION) {
    throw new TallystickError('state_newer', `a receipt has version ${v}, and this release knows ${RECEIPT_VERSION}`, {
      remedy: 'run the command of the release that the API has, or of a later one',
    });
  }
  const members = type === 'mark' ? MARK_MEMBERS : RECEIPT_MEMBERS;
  for (const [name, isKind] of members) if (!isKind(line[name])) throw fault(`has no valid "${name}"`);
  // All that there has to be is there.
  if (Object.keys(line).length !== members.length) throw fault('has a member that it should not');
  delete line.v;
  if (type === 'receipt') requireCoherent(line as unknown as Receipt);
  return line as unknown as ReceiptLine;
}

/** What one member may show that another forbids. */
function requireCoherent(receipt: Receipt): void {
  const { first, last, verdict, reason, issuer, caller, lease, jti, audience, jkt, origin } = receipt;
  // All times have one length: the order of the texts is that of the instants.
  if (first > last) throw fault('ends before it begins');
  if ((verdict === 'accepted') !== (reason === null)) throw fault('has a reason and is accepted, or neither');
  const token = [issuer, caller, jti];
  const isKnown = token.every((value) => value !== null);
  if (!isKnown && [...token, audience, lease, jkt].some((value) => value !== null)) {
    throw fault('names half of a token');
  }
  if (verdict === 'accepted' && (!isKnown || audience === null || origin === null)) {
    throw fault('accepts what it does not name');
  }
}

type Kind = (value: unknown) => boolean;

const isText: Kind = (value) =>
  typeof value === 'string' && value !== '' && value.length <= MAX_RECEIPT_TEXT && value.isWellFormed();
const isWord: Kind = (value) => typeof value === 'string' && /^[a-z][a-z0-9_]{0,63}$/.test(value);
const isCount: Kind = (value) => Number.isSafeInteger(value) && (value as number) >= 0 && !Object.is(value, -0);
const isTime: Kind = (value) => {
  if (typeof value !== 'string' || value.length !== 24) return false;
  const ms = Date.parse(value);
  return Number.isFinite(ms) && new Date(ms).toISOString() === value;
};
const isRun: Kind = (value) => typeof value === 'string' && isUlid(value);
const orNull =
  (kind: Kind): Kind =>
  (value) =>
    value === null || kind(value);

const RECEIPT: Readonly<Record<keyof Receipt, Kind>> = {
  type: (value) => value === 'receipt',
  writer: isRun,
  seq: isCount,
  first: isTime,
  last: isTime,
  count: (value) => isCount(value) && value !== 0,
  verdict: isWord,
  reason: orNull(isWord),
  issuer: orNull(isText),
  caller: orNull(isText),
  lease: orNull(isText),
  jti: orNull(isText),
  audience: orNull(isText),
  jkt: orNull((value) => typeof value === 'string' && /^[\w-]{43}$/.test(value)),
  method: (value) => typeof value === 'string' && /^[A-Z_]{1,16}$/.test(value),
  origin: orNull(isText),
};

const MARK: Readonly<Record<keyof ReceiptMark, Kind>> = {
  type: (value) => value === 'mark',
  writer: isRun,
  seq: isCount,
  time: isTime,
  state: (value) => STATES.includes(value),
  audiences: (value) => Array.isArray(value) && value.length > 0 && value.every(isText),
  lost: isCount,
};

const isVersion: Kind = (value) => value === RECEIPT_VERSION;
const RECEIPT_MEMBERS = Object.entries<Kind>({ v: isVersion, ...RECEIPT });
const MARK_MEMBERS = Object.entries<Kind>({ v: isVersion, ...MARK });

function readObject(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = text.length <= MAX_RECEIPT_LENGTH ? JSON.parse(text) : undefined;
  } catch {
    // Nothing of the line is quoted.
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw fault('is not a JSON object');
  return value as Record<string, unknown>;
}

function fault(why: string): TallystickError {
  return new TallystickError('log_invalid', `a line of the receipts ${why}`);
}
