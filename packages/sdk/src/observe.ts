import { parseSpiffeId, type Clock, type CredentialType } from '@tallystick/core';
import type { IdentityDocument } from '@tallystick/protocol';
import {
  currentBusinessProcess,
  currentIdentity,
  currentTraceparent,
  errorType,
  instrument,
  setServiceIdentity,
} from '@tallystick/telemetry';
import { VERSION } from './version.ts';

export { suppressTracing } from '@tallystick/telemetry';

/** The business process that a request for a credential is made for, as the workload claims. */
export interface ClaimedProcess {
  readonly id: string;
  readonly run: string | undefined;
  readonly ticket: string | undefined;
}

const sdk = instrument('@tallystick/sdk', VERSION);

/** Returns the business process that the running code acts for. */
export function claimedProcess(): ClaimedProcess | undefined {
  const process = currentBusinessProcess();
  return process && { id: process.id, run: process.runId, ticket: process.ticket };
}

/** Makes every span of this thread carry the identity. */
export function announceIdentity({ id, owner, environment, processes, credentials }: IdentityDocument): void {
  const hosts = credentials.flatMap(({ use }) => use).flatMap((prefix) => URL.parse(prefix)?.hostname ?? []);
  setServiceIdentity({ id, trustDomain: parseSpiffeId(id).trustDomain, owner, environment, processes, hosts });
}

/** Undoes {@link announceIdentity}, unless another identity was announced since. */
export function withdrawIdentity({ id }: IdentityDocument): void {
  if (currentIdentity()?.id === id) setServiceIdentity(undefined);
}

/** What is asked for, and where. */
export interface AskedFor {
  readonly name: string;
  readonly type: CredentialType;
  readonly socketPath: string;
  readonly clock: Clock;
}

/**
 * Runs `ask` in a client span and measures it. Only what leaves the process has one: a token in memory has none.
 *
 * @param ask Given the headers that carry the span to the sidecar.
 */
export function observeAsk<R extends { readonly leaseId: string; readonly recordId: string }>(
  { name, type, socketPath, clock }: AskedFor,
  ask: (headers: Readonly<Record<string, string>>) => Promise<R>,
): Promise<R> {
  const attributes = {
    'tallystick.operation.name': 'get_credential',
    'tallystick.credential.name': name,
    'tallystick.credential.type': type,
    'server.address': socketPath,
    'network.transport': 'unix',
  } as const;
  return sdk.clientSpan(`get_credential ${type}`, attributes, async (span) => {
    const startMs = clock.monotonicMs();
    let failure: string | undefined;
    try {
      const traceparent = currentTraceparent();
      const response = await ask(traceparent === undefined ? {} : { traceparent });
      span.set({ 'tallystick.lease.id': response.leaseId, 'tallystick.audit.record.id': response.recordId });
      return response;
    } catch (error) {
      failure = errorType(error);
      throw error;
    } finally {
      sdk.record('tallystick.client.operation.duration', (clock.monotonicMs() - startMs) / 1000, {
        'tallystick.operation.name': 'get_credential',
        'tallystick.credential.type': type,
        'error.type': failure,
      });
    }
  });
}
