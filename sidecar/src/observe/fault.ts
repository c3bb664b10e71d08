import type { TallystickError } from '@tallystick/core';

/** Returns the fault that an error names beside its code, as those of the log do: what its page is searched for. */
export function faultOf(error: TallystickError): string | undefined {
  const { fault } = error as { readonly fault?: unknown };
  return typeof fault === 'string' ? fault : undefined;
}
