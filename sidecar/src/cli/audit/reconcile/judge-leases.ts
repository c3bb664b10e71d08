import type { EndCode, EndedRights } from './ended-rights.ts';
import type { LeaseFact, ReleasedFact, SeenReceipt } from './facts.ts';
import { merge, type Finding, type FindingCode } from './finding.ts';
import type { Watch } from './coverage.ts';

/** Counts of what was judged. Each has a grade in `figures.ts`. */
export interface Counts {
  usesRecorded: number;
  usesCarried: number;
  usesOlder: number;
  usesNewer: number;
  released: number;
  seen: number;
  neverSeen: number;
  notSeenYet: number;
  notWatched: number;
  undelivered: number;
  reportedUses: number;
  reportedAndSeen: number;
  reportedUnseen: number;
  seenUnreported: number;
}

/** A lease that was released, and that no API that was watched has seen. */
export interface UnseenLease {
  readonly lease: string;
  readonly identity: string;
  readonly credential: string | null;
  readonly audience: string | null;
  readonly released: string;
  readonly record: string;
}

/** The inputs of {@link createLeaseJudge}. */
export interface LeaseJudgeOptions {
  readonly rights: EndedRights;
  readonly watch: Watch;
  /** From the first record to the last: what is used outside of it cannot be on record. */
  readonly logFromMs: number;
  readonly logToMs: number;
  /** By how much two clocks may differ, and a list of revocations be read late. */
  readonly toleranceMs: number;
  /** When a token was made that names this lease. Undefined: it does not say. */
  readonly madeMsOf: (lease: string) => number | undefined;
  /** Whether a release counts as of the period that is asked about. */
  readonly isInPeriod: (ms: number) => boolean;
  readonly onFinding: (finding: Finding) => void;
  readonly onUnseen: (lease: UnseenLease) => void;
}

/** Judges one lease after another, and each receipt as it comes: it keeps one lease, and no receipt. */
export interface LeaseJudge {
  begin(group: string): void;
  /** In the order of `FACT_RANK`; receipts of one token after another. */
  add(fact: LeaseFact): void;
  /** Ends the lease that was begun. */
  end(): void;
  readonly counts: Readonly<Counts>;
}

/** A token on record, over all of its releases: each time it is served again, there is another. */
interface Recorded extends ReleasedFact {
  seen: boolean;
}

/** No token lives longer: what was made before the log began is not used later than that. */
const LONGEST_LIFE_MS = 86_400_000;

const AFTER: Readonly<Record<EndCode, FindingCode>> = {
  revoked: 'used_after_revocation',
  suspended: 'used_after_suspension',
  ended: 'used_after_end',
};

export function createLeaseJudge(options: LeaseJudgeOptions): LeaseJudge {
  const { rights, watch, logFromMs, logToMs, toleranceMs, madeMsOf, isInPeriod, onFinding, onUnseen } = options;
  const counts: Counts = {
    usesRecorded: 0,
    usesCarried: 0,
    usesOlder: 0,
    usesNewer: 0,
    released: 0,
    seen: 0,
    neverSeen: 0,
    notSeenYet: 0,
    notWatched: 0,
    undelivered: 0,
    reportedUses: 0,
    reportedAndSeen: 0,
    reportedUnseen: 0,
    seenUnreported: 0,
  };
  let group = '';
  let carried = false;
  let tokens = new Map<string, Recorded>();
  let releases = 0;
  let undelivered = 0;
  let revokedMs: number | undefined;
  let reported = 0;
  let accepted = false;
  /** Of the token whose receipts are being read. */
  let findings = new Map<FindingCode, Finding>();
  let jti = '';

  const report = (code: FindingCode, receipt: SeenReceipt, recorded: string | null, record: string | null): void => {
    const { lease, jti: id, issuer, caller, audience, jkt, count, first, last } = receipt;
    const found = { code, lease, jti: id, issuer, caller, audience, jkt, count, first, last, recorded, record };
    const held = findings.get(code);
    if (held) merge(held, found);
    else findings.set(code, found);
  };
  const tell = (): void => {
    for (const finding of findings.values()) onFinding(finding);
    findings = new Map();
  };

  function judgeUnrecorded(receipt: SeenReceipt): void {
    const { verdict, count, first, last, lease } = receipt;
    const isUse = verdict === 'accepted';
    const firstMs = Date.parse(first);
    const madeMs = lease === null ? undefined : madeMsOf(lease);
    const isOlder =
      Date.parse(last) < logFromMs ||
      (madeMs !== undefined && madeMs < logFromMs && firstMs < logFromMs + LONGEST_LIFE_MS);
    if (carried || isOlder || firstMs > logToMs - toleranceMs) {
      if (isUse) counts[carried ? 'usesCarried' : isOlder ? 'usesOlder' : 'usesNewer'] += count;
    } else report(isUse ? 'used_without_record' : 'shown_without_record', receipt, null, null);
  }

  function judgeUse(receipt: SeenReceipt, token: Recorded): void {
    const { caller, audience, jkt, count, last } = receipt;
    counts.usesRecorded += count;
    const differs = (code: FindingCode, recorded: string | null): void => {
      report(code, receipt, recorded, token.record);
    };
    if (caller !== token.identity) differs('identity_differs', token.identity);
    if (audience !== token.audience) differs('audience_differs', token.audience);
    if (jkt !== token.shownJkt) differs('key_differs', token.shownJkt);
    const end = rights.endOf({ ...token, madeMs: token.atMs }, revokedMs);
    if (!end || Date.parse(last) <= end.atMs + toleranceMs) return;
    report(AFTER[end.code], receipt, new Date(end.atMs).toISOString(), token.record);
  }

  function addReleased(fact: ReleasedFact): void {
    releases += 1;
    const held = tokens.get(fact.jti);
    tokens.set(fact.jti, held && held.atMs <= fact.atMs ? held : { ...fact, seen: false });
  }

  function addReceipt(receipt: SeenReceipt): void {
    if (receipt.jti !== jti) tell();
    ({ jti } = receipt);
    const token = tokens.get(jti);
    if (!token) {
      judgeUnrecorded(receipt);
      return;
    }
    token.seen = true;
    if (receipt.verdict !== 'accepted') return;
    accepted = true;
    judgeUse(receipt, token);
  }

  function judgeUnseen(token: Recorded): void {
    const { identity, credential, audience, atMs, endsMs, record } = token;
    const end = rights.endOf({ ...token, madeMs: atMs }, revokedMs)?.atMs ?? endsMs ?? atMs;
    switch (watch(audience ?? '', atMs, Math.max(atMs, end))) {
      case 'whole':
        counts.neverSeen += 1;
        onUnseen({ lease: group, identity, credential, audience, released: new Date(atMs).toISOString(), record });
        return;
      case 'begun':
        counts.notSeenYet += 1;
        return;
      case 'not':
        counts.notWatched += 1;
    }
  }

  return {
    counts,
    begin(next) {
      group = next;
      carried = false;
      tokens = new Map();
      releases = 0;
      undelivered = 0;
      revokedMs = undefined;
      reported = 0;
      accepted = false;
      jti = '';
    },
    add(fact) {
      switch (fact.kind) {
        case 'carried':
          carried = true;
          return;
        case 'released':
          addReleased(fact);
          return;
        case 'undelivered':
          undelivered += 1;
          return;
        case 'revoked':
          revokedMs = Math.min(fact.atMs, revokedMs ?? Infinity);
          return;
        case 'reported':
          reported += fact.count;
          return;
        case 'receipt':
          addReceipt(fact.receipt);
      }
    },
    end() {
      tell();
      counts.reportedUses += reported;
      if (reported > 0) counts[accepted ? 'reportedAndSeen' : 'reportedUnseen'] += 1;
      else if (accepted) counts.seenUnreported += 1;
      for (const token of tokens.values()) {
        if (!isInPeriod(token.atMs)) continue;
        counts.released += 1;
        if (token.seen) counts.seen += 1;
        else if (undelivered >= releases) counts.undelivered += 1;
        else judgeUnseen(token);
      }
    },
  };
}
