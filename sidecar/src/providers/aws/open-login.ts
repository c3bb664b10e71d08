import { TallystickError } from '@tallystick/core';
import type { AwsSettings } from '../aws.ts';
import { checkSubject } from '../federation/check-files.ts';
import type { ProviderContext } from '../provider.ts';
import { fileLogin, roleLogin, type Login } from './login.ts';
import { MAX_CHAINED_SECONDS, type SessionOrder } from './session.ts';
import type { Sts } from './sts.ts';

/** Returns the login of the sidecar; undefined where it has none, because each identity has a token of its own. */
export function openLogin(auth: AwsSettings['auth'], context: ProviderContext, sts: Sts): Login | undefined {
  const { name, clock, timers, sidecarId } = context;
  const own = auth.method === 'file' ? fileLogin(name, auth.path!, auth.profile) : undefined;
  const { role } = auth;
  if (role === undefined) return own;
  const order: SessionOrder = {
    role,
    sessionName: `tallystick@${sidecarId}`,
    durationSeconds: MAX_CHAINED_SECONDS,
    // A role that is assumed next could be given no other.
    sourceIdentity: undefined,
    tags: [],
    externalId: undefined,
    policy: undefined,
    policyArns: [],
  };
  return roleLogin({
    clock,
    timers,
    assume: (signal) =>
      asLogin(async () =>
        own
          ? sts.assumeRole(order, await own.keys(signal), signal)
          : sts.assumeRoleWithWebIdentity(order, checkSubject(context), signal),
      ),
  });
}

/** Runs what the sidecar does for itself: a denial there is none of the workload's. */
async function asLogin<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!TallystickError.is(error) || error.code !== 'upstream_denied') throw error;
    throw new TallystickError('upstream_login_refused', error.description);
  }
}
