import { TallystickError } from '@tallystick/core';
import type { AwsKeys } from '../../config/aws-credentials.ts';
import type { AwsWanted } from '../aws.ts';
import type { CheckFinding } from '../provider.ts';
import type { Login } from './login.ts';
import { MIN_SESSION_SECONDS, type AwsSession, type SessionOrder } from './session.ts';
import { sourceIdentityOf } from './session-name.ts';

/** What {@link checkAws} tries AWS with. */
export interface AwsTrial {
  /** Undefined: each identity has a token of its own. */
  readonly login: Login | undefined;
  /** SPIFFE ID that the sidecar goes by. */
  readonly self: string;
  readonly assume: (order: SessionOrder) => Promise<AwsSession>;
  readonly read: (secret: string, keys: AwsKeys) => Promise<unknown>;
  readonly signal: AbortSignal;
}

/** With it a session may do nothing: it is no credential. */
const POWERLESS = '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}';

/**
 * Tries what a credential needs: the login of the sidecar, the trust of the role in a session that may do nothing, and the
 * secret where the sidecar reads it for itself.
 */
export async function checkAws(wanted: AwsWanted, trial: AwsTrial): Promise<readonly CheckFinding[]> {
  const { login, signal } = trial;
  const findings: CheckFinding[] = [];
  let keys: AwsKeys | undefined;
  if (login) {
    const found = await tried('login', async () => {
      keys = await login.keys(signal);
      return 'the sidecar has keys of its own';
    });
    findings.push(found);
    if (!found.ok) return findings;
  }
  const { role, secret } = wanted;
  if (role !== undefined) findings.push(await (login ? checkRole(role, wanted, trial) : checkToken(role, trial)));
  else if (secret !== undefined && keys) findings.push(await checkSecret(secret, keys, trial));
  return findings;
}

function checkRole(role: string, { externalId }: AwsWanted, trial: AwsTrial): Promise<CheckFinding> {
  return tried(
    `role ${role}`,
    async () => {
      await trial.assume(powerless(role, trial.self, externalId));
      return 'the sidecar may assume it, with tags and source identity';
    },
    `add to the trust policy of the role: ${statement('"AWS": "<ARN of the principal of the sidecar>"', 'sts:AssumeRole')}; and allow that principal the same actions on ${role}`,
  );
}

/** A role trusts the identities that are to have it, and not the sidecar: that it is refused says that all else is there. */
function checkToken(role: string, trial: AwsTrial): Promise<CheckFinding> {
  const seenLater = 'AWS answers our tokens; whether the role trusts an identity is seen when that asks for it';
  return tried(`role ${role}`, async () => {
    try {
      await trial.assume(powerless(role, trial.self, undefined));
    } catch (error) {
      if (!TallystickError.is(error) || error.code !== 'upstream_denied') throw error;
    }
    return seenLater;
  });
}

function checkSecret(secret: string, keys: AwsKeys, trial: AwsTrial): Promise<CheckFinding> {
  return tried(
    `secret ${secret}`,
    async () => {
      await trial.read(secret, keys);
      return 'the sidecar may read it';
    },
    `allow the sidecar: {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "<ARN of ${secret}>"}`,
  );
}

function powerless(role: string, self: string, externalId: string | undefined): SessionOrder {
  return {
    role,
    sessionName: 'tallystick-check',
    durationSeconds: MIN_SESSION_SECONDS,
    sourceIdentity: sourceIdentityOf(self),
    tags: [{ key: 'tallystick-identity', value: self }],
    externalId,
    policy: POWERLESS,
    policyArns: [],
  };
}

function statement(principal: string, action: string): string {
  return `{"Effect": "Allow", "Principal": {${principal}}, "Action": ["${action}", "sts:TagSession", "sts:SetSourceIdentity"]}`;
}

/** Runs a trial, whose result says what was found. What failed is explained; `denied` is what to paste against a denial. */
async function tried(what: string, run: () => Promise<string>, denied?: string): Promise<CheckFinding> {
  try {
    return { ok: true, what, message: await run() };
  } catch (error) {
    if (!TallystickError.is(error)) throw error;
    const remedy = error.code === 'upstream_denied' ? (denied ?? error.remedy) : error.remedy;
    return { ok: false, what, message: error.description, remedy };
  }
}
