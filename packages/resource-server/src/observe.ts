import { annotateSpan, businessProcessFromBaggage, errorType, instrument } from '@tallystick/telemetry';
import {
  ATTR_BUSINESS_PROCESS_ID,
  ATTR_CALLER_ID,
  ATTR_CALLER_OWNER_ID,
  ATTR_CREDENTIAL_BINDING,
  ATTR_ERROR_TYPE,
  ATTR_LEASE_ID,
  ATTR_TOKEN_ID,
  ATTR_VERIFICATION_VERDICT,
  METRIC_VERIFICATION_DURATION,
} from '@tallystick/telemetry/names';
import type { Caller } from './caller.ts';
import type { Refusal } from './refusal.ts';
import { VERSION } from './version.ts';

const scope = instrument('@tallystick/resource-server', VERSION);

/**
 * Says who calls, on the active span. The business process is what the caller's baggage claims, and only where the
 * token says that the caller is registered for it.
 */
export function observeCaller(caller: Caller, durationMs: number): void {
  const claimed = caller.processes.length > 0 ? businessProcessFromBaggage()?.id : undefined;
  annotateSpan({
    [ATTR_CALLER_ID]: caller.identity,
    [ATTR_CALLER_OWNER_ID]: caller.owner?.id,
    [ATTR_LEASE_ID]: caller.leaseId,
    [ATTR_TOKEN_ID]: caller.tokenId,
    [ATTR_VERIFICATION_VERDICT]: 'accepted',
    [ATTR_BUSINESS_PROCESS_ID]: claimed !== undefined && caller.processes.includes(claimed) ? claimed : undefined,
  });
  scope.record(METRIC_VERIFICATION_DURATION, durationMs / 1000, { [ATTR_CREDENTIAL_BINDING]: caller.binding });
}

/**
 * Counts a refusal, by its code. The active span names the token where its signature was good, and nobody: who shows a
 * token that is refused need not be whom it is for.
 */
export function observeRefusal(error: Refusal, token: Caller | undefined, durationMs: number): void {
  annotateSpan({
    [ATTR_LEASE_ID]: token?.leaseId,
    [ATTR_TOKEN_ID]: token?.tokenId,
    [ATTR_VERIFICATION_VERDICT]: error.code,
  });
  scope.record(METRIC_VERIFICATION_DURATION, durationMs / 1000, { [ATTR_ERROR_TYPE]: errorType(error) });
}
