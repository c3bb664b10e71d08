import { currentIdentity } from '@tallystick/telemetry';

/** Resolves when register has learnt who this service is. There is no event to wait for: a service need not care. */
export async function identityKnown(): Promise<void> {
  while (!currentIdentity()) await new Promise((resolve) => setTimeout(resolve, 2));
}
