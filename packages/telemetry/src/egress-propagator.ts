import { propagation, trace, type Context, type TextMapPropagator } from '@opentelemetry/api';
import { withoutProcess } from './baggage.ts';
import { currentIdentity } from './identity.ts';

/**
 * Wraps a propagator so that the business process leaves only for hosts that `mayCarry` accepts: by default those that
 * the credentials of the service are for. The baggage of other libraries is not touched.
 *
 * The host is the `server.address` of the span that the request is sent in, as the HTTP instrumentations set it before
 * they inject. A span that does not tell, such as one that is not recorded, gets no process.
 */
export function egressPropagator<Carrier>(
  inner: TextMapPropagator<Carrier>,
  mayCarry: (host: string) => boolean = isHostOfService,
): TextMapPropagator<Carrier> {
  return {
    inject(parent, carrier, setter) {
      const baggage = propagation.getBaggage(parent);
      const host = baggage && hostOf(parent);
      const kept = !baggage || (host !== undefined && mayCarry(host));
      inner.inject(kept ? parent : propagation.setBaggage(parent, withoutProcess(baggage)), carrier, setter);
    },
    extract: (parent, carrier, getter) => inner.extract(parent, carrier, getter),
    fields: () => inner.fields(),
  };
}

function isHostOfService(host: string): boolean {
  return currentIdentity()?.hosts?.includes(host) ?? false;
}

function hostOf(parent: Context): string | undefined {
  // The SDK's spans can be read; the API's cannot.
  const { attributes } = (trace.getSpan(parent) ?? {}) as { attributes?: Record<string, unknown> };
  const host = attributes?.['server.address'];
  return typeof host === 'string' ? host : undefined;
}
