import { isClaimText, TallystickError } from '@tallystick/core';

/** What a workload says of the business process it acts for. Recorded as claimed; it decides nothing. */
export interface ClaimedProcess {
  readonly id: string;
  readonly run: string | null;
  readonly ticket: string | null;
}

/** Returns the `context` of a request, for the form of `/token` and the body of `/v1/credentials/{name}`. */
export function formatContext(process: { id: string; run?: string | undefined; ticket?: string | undefined }): string {
  return JSON.stringify({ process: { id: process.id, run: process.run, ticket: process.ticket } });
}

/**
 * Reads the `context` parameter of a request: JSON `{ "process": { "id", "run"?, "ticket"? } }`, each 1 to 128
 * printable ASCII characters.
 *
 * @throws {TallystickError} `invalid_request`
 */
export function parseContext(text: string): ClaimedProcess {
  let process: Record<string, unknown> | undefined;
  try {
    process = (JSON.parse(text) as { process?: Record<string, unknown> } | null)?.process;
  } catch {
    throw new TallystickError('invalid_request', '"context" is not JSON');
  }
  const { id, run = null, ticket = null } = process ?? {};
  if (!isClaimText(id) || !(run === null || isClaimText(run)) || !(ticket === null || isClaimText(ticket))) {
    throw new TallystickError(
      'invalid_request',
      '"context" is not {"process":{"id","run","ticket"}} of 1 to 128 printable ASCII characters each',
    );
  }
  return { id, run, ticket };
}
