import { formatReceiptLine, MAX_RECEIPT_TEXT, type Receipt, type ReceiptMark } from '@tallystick/core';
import { answerTo } from './reason.ts';
import type { Tallied } from './receipt-tally.ts';

/** Makes the lines of one run of a verifier, and counts them. */
export interface ReceiptLines {
  receipt(this: void, tallied: Tallied): string;
  /** @param ms Milliseconds since the epoch. */
  mark(state: ReceiptMark['state'], ms: number, lost: number): string;
}

/**
 * @param writer ULID of the run.
 * @param audiences Of the API.
 */
export function createReceiptLines(writer: string, audiences: readonly string[]): ReceiptLines {
  let seq = 0;
  return {
    receipt: (tallied) => formatReceiptLine({ type: 'receipt', writer, seq: seq++, ...facts(tallied, audiences) }),
    mark: (state, ms, lost) => {
      return formatReceiptLine({ type: 'mark', writer, seq: seq++, time: instant(ms), state, audiences, lost });
    },
  };
}

function facts(tallied: Tallied, ours: readonly string[]): Omit<Receipt, 'type' | 'writer' | 'seq'> {
  const { token, method, origin, reason, firstMs, lastMs, count } = tallied;
  const caller = token?.caller;
  const audience = token?.audiences.find((each) => ours.includes(each)) ?? token?.audiences[0];
  return {
    first: instant(firstMs),
    last: instant(lastMs),
    count,
    verdict: reason === undefined ? 'accepted' : answerTo(reason).code,
    reason: reason ?? null,
    issuer: shown(caller?.issuer),
    caller: shown(caller?.identity),
    lease: shown(caller?.leaseId),
    jti: shown(caller?.tokenId),
    audience: shown(audience),
    jkt: caller?.jkt ?? null,
    method,
    origin: shown(origin),
  };
}

function instant(ms: number): string {
  return new Date(ms).toISOString();
}

/** Returns what a token says as a line may hold it: a token may say as much as fits a header. */
function shown(text: string | undefined): string | null {
  return text === undefined || text === '' ? null : text.slice(0, MAX_RECEIPT_TEXT).toWellFormed();
}
