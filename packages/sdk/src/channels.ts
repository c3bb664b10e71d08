import { channel } from 'node:diagnostics_channel';
import type { TallystickError } from '@tallystick/core';

/** What is said on each channel. No message holds a secret. */
export interface ChannelMessages {
  /** A credential came from the sidecar. */
  'tallystick:credential:obtained': { readonly name: string; readonly leaseId: string; readonly expiresAt: Date };
  /** The sidecar could not be asked, or refused. `serving`: true while an older credential is still good. */
  'tallystick:credential:failed': { readonly name: string; readonly error: TallystickError; readonly serving: boolean };
  /** A credential is no longer used, though it has not expired. */
  'tallystick:credential:dropped': { readonly name: string; readonly leaseId: string; readonly reason: string };
  /** A request to an API is sent once more. */
  'tallystick:request:retried': { readonly origin: string; readonly reason: 'nonce' | 'clock' | 'token' };
  /** A report of how leases were used was refused for good. It is not on record; the calls were made. */
  'tallystick:usage:lost': { readonly report: number; readonly error: TallystickError };
  /** The event stream of the sidecar is open. */
  'tallystick:events:open': { readonly epoch: string };
  /** The event stream ended. */
  'tallystick:events:lost': { readonly error: TallystickError };
}

const channels = new Map<string, ReturnType<typeof channel>>();

/** Publishes a message, if anybody listens. */
export function publish<N extends keyof ChannelMessages>(name: N, message: ChannelMessages[N]): void {
  let target = channels.get(name);
  if (!target) channels.set(name, (target = channel(name)));
  if (target.hasSubscribers) target.publish(message);
}
