import { readFile } from 'node:fs/promises';
import { holdsSecret } from '@tallystick/audit';
import { printable, TallystickError } from '@tallystick/core';
import type { Peer } from '../../listen/peer.ts';
import type { Operator } from '../../record/record.ts';

/** The longest `--reason`, in characters. */
const MAX_REASON = 256;
/** What the kernel shows for a process that no login began: -1 as an unsigned number. */
const NO_LOGIN = 4_294_967_295;

/**
 * Returns who gives an administrative command, as far as the kernel knows.
 *
 * @throws {TallystickError} `invalid_request`: no reason is given, or one that holds a secret.
 */
export async function operatorOf(peer: Pick<Peer, 'uid' | 'pid'>, reason: unknown): Promise<Operator> {
  if (typeof reason !== 'string' || reason.trim() === '') {
    throw new TallystickError('invalid_request', 'a command that changes something needs a reason', {
      remedy: 'give --reason "ticket or cause"',
    });
  }
  if (holdsSecret(reason)) {
    throw new TallystickError('invalid_request', 'the reason looks like it holds a secret, which would be on record', {
      remedy: 'name the ticket or cause, without tokens and keys',
    });
  }
  return {
    uid: peer.uid,
    loginUid: await loginUid(peer.pid),
    tty: await terminal(peer.pid),
    reason: printable(reason, MAX_REASON),
  };
}

/** Returns the controlling terminal as `major:minor` of its device (proc(5), field 7 of stat), or null without one. */
async function terminal(pid: number): Promise<string | null> {
  if (pid === 0) return null;
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The command name is in parentheses and may hold anything; fields are counted after it.
    const device = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[4]);
    return device > 0 ? `${(device >> 8) & 0xfff}:${(device & 0xff) | ((device >> 12) & 0xfff00)}` : null;
  } catch {
    return null;
  }
}

async function loginUid(pid: number): Promise<number | null> {
  if (pid === 0) return null;
  try {
    const uid = Number(await readFile(`/proc/${pid}/loginuid`, 'utf8'));
    return Number.isSafeInteger(uid) && uid !== NO_LOGIN ? uid : null;
  } catch {
    return null;
  }
}
