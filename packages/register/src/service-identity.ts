import { systemTimers } from '@tallystick/core';
import { connectInBackground } from '@tallystick/sdk/internal';
import { currentIdentity, identityAttributes, setServiceIdentity, type SpanAttributes } from '@tallystick/telemetry';

/** How long exports wait for the identity. Batches are collected for longer anyway, five seconds. */
const RESOURCE_WAIT_MS = 3000;
/** How long after a refusal the sidecar is asked again: somebody may have registered the service by then. */
const ASK_AGAIN_MS = 60_000;

/** The identity of the service, as far as it is known. */
export interface ServiceIdentity {
  /** Its attributes; empty when there was no answer within three seconds. */
  readonly attributes: Promise<SpanAttributes>;
  /** Lets nobody wait for the answer any longer. */
  giveUp(): void;
}

/**
 * Asks the sidecar who this service is, for as long as it takes and without keeping the program alive. From the answer
 * on, every span carries it.
 */
export function learnServiceIdentity(): ServiceIdentity {
  const { promise, resolve } = Promise.withResolvers<SpanAttributes>();
  systemTimers.after(RESOURCE_WAIT_MS, () => resolve({}));
  void askUntilKnown().then(resolve);
  return { attributes: promise, giveUp: () => resolve({}) };
}

async function askUntilKnown(): Promise<SpanAttributes> {
  for (;;) {
    try {
      const identity = await connectInBackground({ startupTimeoutMs: Infinity });
      const known = currentIdentity();
      // Nothing is held for telemetry's sake: the credentials of the service end when the service lets go of them.
      await identity.close();
      if (known && !currentIdentity()) setServiceIdentity(known);
      return known ? identityAttributes(known) : {};
    } catch {
      // The service's own connect() says why, where somebody can act on it.
      await new Promise<void>((resolve) => systemTimers.after(ASK_AGAIN_MS, resolve));
    }
  }
}
