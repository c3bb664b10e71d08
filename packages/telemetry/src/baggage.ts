import { context, propagation, type Baggage, type Context } from '@opentelemetry/api';
import { isClaimText } from '@tallystick/core';

/** The baggage entries of Tallystick. Nothing else is read, and these are all that is taken out at egress. */
export const BAGGAGE_PROCESS = 'tallystick.process';
export const BAGGAGE_RUN = 'tallystick.run';

/** The most that our entries may add to the `baggage` header, in bytes. */
const BUDGET_BYTES = 256;

/**
 * Returns `parent` with the process in its baggage. An entry that does not fit into 256 bytes, encoded, is left out
 * whole: a part of an id would be another id.
 */
export function withProcessBaggage(parent: Context, process: { id: string; runId?: string | undefined }): Context {
  let baggage = withoutProcess(propagation.getBaggage(parent) ?? propagation.createBaggage());
  let left = BUDGET_BYTES;
  for (const [key, value] of [
    [BAGGAGE_PROCESS, process.id],
    [BAGGAGE_RUN, process.runId],
  ] as const) {
    if (value === undefined) continue;
    const size = key.length + encodeURIComponent(value).length + 2;
    if (size > left) break;
    left -= size;
    baggage = baggage.setEntry(key, { value });
  }
  return propagation.setBaggage(parent, baggage);
}

/** Returns `baggage` without the entries of Tallystick. */
export function withoutProcess(baggage: Baggage): Baggage {
  return baggage.removeEntries(BAGGAGE_PROCESS, BAGGAGE_RUN);
}

/**
 * Returns the business process that the caller's baggage names, or undefined. Baggage is unsigned: compare it with
 * what the verified token says, and never authorise by it.
 */
export function businessProcessFromBaggage(
  parent: Context = context.active(),
): { readonly id: string; readonly runId?: string } | undefined {
  const baggage = propagation.getBaggage(parent);
  const id = baggage?.getEntry(BAGGAGE_PROCESS)?.value;
  const runId = baggage?.getEntry(BAGGAGE_RUN)?.value;
  if (!isClaimText(id)) return undefined;
  return isClaimText(runId) ? { id, runId } : { id };
}
