import { createContextKey, type Context } from '@opentelemetry/api';
import type { TelemetryIdentity } from './identity.ts';

// Made by `Symbol.for`, so that every copy of this package reads the same entry.
const SPAN_IDENTITY = createContextKey('tallystick.span-identity');

/** Returns `parent` with the identity that spans started in it carry, in place of the service's own. */
export function withSpanIdentity(parent: Context, identity: TelemetryIdentity): Context {
  return parent.setValue(SPAN_IDENTITY, identity);
}

/** Returns the identity that {@link withSpanIdentity} put into `parent`. */
export function spanIdentity(parent: Context): TelemetryIdentity | undefined {
  return parent.getValue(SPAN_IDENTITY) as TelemetryIdentity | undefined;
}
