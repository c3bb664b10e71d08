import { TallystickError } from '@tallystick/core';
import type { AwsKeys } from '../../config/aws-credentials.ts';
import type { SessionTag } from './session-tags.ts';
import { readXml } from './xml.ts';

/** A session that a role is assumed for. */
export interface SessionOrder {
  /** ARN of the role. */
  readonly role: string;
  readonly sessionName: string;
  readonly durationSeconds: number;
  /** Undefined: none is set, so that the next role of a chain can be given one. */
  readonly sourceIdentity: string | undefined;
  readonly tags: readonly SessionTag[];
  readonly externalId: string | undefined;
  /** What the session may do is what the role and these allow. */
  readonly policy: string | undefined;
  readonly policyArns: readonly string[];
}

/** What a session is used with, and until when. */
export interface AwsSession {
  readonly keys: AwsKeys & { readonly sessionToken: string };
  readonly expiresAtMs: number;
}

/** The longest session, and the longest of a role that another session assumes, in seconds. */
export const MAX_SESSION_SECONDS = 43_200;
export const MAX_CHAINED_SECONDS = 3600;
/** The shortest. */
export const MIN_SESSION_SECONDS = 900;

/** Returns the parameters of `AssumeRole`. */
export function assumeRoleParameters(order: SessionOrder): URLSearchParams {
  const parameters = sessionParameters('AssumeRole', order);
  if (order.externalId !== undefined) parameters.set('ExternalId', order.externalId);
  if (order.sourceIdentity !== undefined) parameters.set('SourceIdentity', order.sourceIdentity);
  order.tags.forEach(({ key, value }, i) => {
    parameters.set(`Tags.member.${i + 1}.Key`, key);
    parameters.set(`Tags.member.${i + 1}.Value`, value);
  });
  return parameters;
}

/** Returns the parameters of `AssumeRoleWithWebIdentity`. Tags and source identity stand in the token. */
export function webIdentityParameters(order: SessionOrder, token: string): URLSearchParams {
  const parameters = sessionParameters('AssumeRoleWithWebIdentity', order);
  parameters.set('WebIdentityToken', token);
  return parameters;
}

/** Returns the claims by which a web identity token sets tags and source identity (IAM, Pass session tags in AWS STS). */
export function sessionClaims({ tags, sourceIdentity }: SessionOrder): Readonly<Record<string, unknown>> {
  return {
    ...(tags.length > 0 && {
      'https://aws.amazon.com/tags': {
        principal_tags: Object.fromEntries(tags.map(({ key, value }) => [key, [value]])),
      },
    }),
    ...(sourceIdentity !== undefined && { 'https://aws.amazon.com/source_identity': sourceIdentity }),
  };
}

function sessionParameters(action: string, order: SessionOrder): URLSearchParams {
  const { role, sessionName, durationSeconds, policy, policyArns } = order;
  const parameters = new URLSearchParams({
    Action: action,
    Version: '2011-06-15',
    RoleArn: role,
    RoleSessionName: sessionName,
    DurationSeconds: String(durationSeconds),
  });
  if (policy !== undefined) parameters.set('Policy', policy);
  policyArns.forEach((arn, i) => parameters.set(`PolicyArns.member.${i + 1}.arn`, arn));
  return parameters;
}

const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?Z$/;

/**
 * Reads the session of an answer, and judges that it is the one that was asked for.
 *
 * @param askedAtMs When it was asked for: it lives no longer than `durationSeconds` from then, whatever the clock of AWS says.
 * @throws {TallystickError} `upstream_answer_invalid`
 */
export function parseSession(
  name: string,
  action: string,
  text: string,
  order: SessionOrder,
  askedAtMs: number,
): AwsSession {
  const texts = readXml(text);
  const member = (path: string): string => texts?.get(`${action}Response/${action}Result/${path}`) ?? '';
  const invalid = (what: string, remedy?: string): TallystickError =>
    new TallystickError('upstream_answer_invalid', `"${name}" answered ${action} with ${what}`, {
      ...(remedy !== undefined && { remedy }),
    });
  if (!texts) throw invalid('something other than its XML');
  const accessKeyId = member('Credentials/AccessKeyId');
  const secretAccessKey = member('Credentials/SecretAccessKey');
  const sessionToken = member('Credentials/SessionToken');
  const expiration = member('Credentials/Expiration');
  const whole =
    /^\w{16,128}$/.test(accessKeyId) &&
    /^[\x21-\x7e]{1,256}$/.test(secretAccessKey) &&
    /^[\x21-\x7e]{1,32768}$/.test(sessionToken) &&
    TIME.test(expiration);
  const expiresAtMs = Math.min(Date.parse(expiration), askedAtMs + order.durationSeconds * 1000);
  if (!whole || Number.isNaN(expiresAtMs)) throw invalid('no whole credentials');
  // `arn:aws:sts::123456789012:assumed-role/ROLE/SESSION`
  if (!member('AssumedRoleUser/Arn').endsWith(`/${order.sessionName}`)) throw invalid('a session of another name');
  if (expiresAtMs <= askedAtMs) {
    throw invalid('a session that has ended', 'set the clock of this machine, which is ahead of that of AWS');
  }
  return { keys: { accessKeyId, secretAccessKey, sessionToken }, expiresAtMs };
}
