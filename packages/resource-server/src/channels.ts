import { channel } from 'node:diagnostics_channel';
import type { TallystickError } from '@tallystick/core';
import type { Refusal } from './refusal.ts';

/** What is said on each channel. No message holds a secret. */
export interface ChannelMessages {
  /** A request was refused. `error` names the check that failed and, where something was out of reach, the cause. */
  'tallystick:request:refused': { readonly error: Refusal };
  /**
   * Receipts could not be written; requests go on. `lost` is of how many verifications since the start there is no
   * receipt, and `error` says why.
   */
  'tallystick:receipts:lost': { readonly error: TallystickError; readonly lost: number };
}

const refused = channel('tallystick:request:refused');
const receiptsLost = channel('tallystick:receipts:lost');

/** Tells whoever listens that a request was refused. */
export function publishRefused(error: Refusal): void {
  const message: ChannelMessages['tallystick:request:refused'] = { error };
  if (refused.hasSubscribers) refused.publish(message);
}

/** Tells whoever listens that receipts could not be written. */
export function publishReceiptsLost(error: TallystickError, lost: number): void {
  const message: ChannelMessages['tallystick:receipts:lost'] = { error, lost };
  if (receiptsLost.hasSubscribers) receiptsLost.publish(message);
}
