import { channel } from 'node:diagnostics_channel';
import type { Refusal } from './refusal.ts';

/** What is said on each channel. No message holds a secret. */
export interface ChannelMessages {
  /** A request was refused. `error` names the check that failed and, where something was out of reach, the cause. */
  'tallystick:request:refused': { readonly error: Refusal };
}

const refused = channel('tallystick:request:refused');

/** Tells whoever listens that a request was refused. */
export function publishRefused(error: Refusal): void {
  const message: ChannelMessages['tallystick:request:refused'] = { error };
  if (refused.hasSubscribers) refused.publish(message);
}
