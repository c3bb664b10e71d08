import { TallystickError } from '@tallystick/core';
import type { AwsKeys } from '../../config/aws-credentials.ts';
import { jsonOf } from '../upstream-http.ts';
import type { AwsHttp } from './aws-http.ts';

/** Which secret, and how it is read. */
export interface SecretOrder {
  /** Name or ARN. */
  readonly secret: string;
  /** Id of a version; undefined: the one of `stage`. */
  readonly version: string | undefined;
  /** Undefined: `AWSCURRENT`. */
  readonly stage: string | undefined;
  /** `json`: its text is an object, whose members are the values; `text`: it is one value. */
  readonly format: 'json' | 'text';
}

/** A secret as it is handed out. */
export interface StoredSecret {
  readonly values: Readonly<Record<string, string>>;
  readonly version: string;
}

const ACTION = 'GetSecretValue';

/**
 * Reads a secret of Secrets Manager.
 *
 * @throws {TallystickError} `upstream_*`
 */
export async function readSecret(
  name: string,
  aws: AwsHttp,
  order: SecretOrder,
  keys: AwsKeys,
  signal: AbortSignal,
): Promise<StoredSecret> {
  const { secret, version, stage } = order;
  const answer = await aws.call({
    service: 'secretsmanager',
    action: ACTION,
    headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `secretsmanager.${ACTION}` },
    body: JSON.stringify({ SecretId: secret, VersionId: version, VersionStage: stage }),
    keys,
    signal,
  });
  const { SecretString: text, SecretBinary: binary, VersionId } = jsonOf(name, ACTION, answer);
  if (typeof VersionId !== 'string' || (version !== undefined && VersionId !== version)) {
    throw invalid(name, 'no version, or another than was asked for');
  }
  if (typeof binary === 'string') return { values: { SecretBinary: binary }, version: VersionId };
  if (typeof text !== 'string') throw invalid(name, 'neither text nor bytes');
  return { values: order.format === 'text' ? { SecretString: text } : membersOf(name, text), version: VersionId };
}

/** Returns the members of an object in JSON; what is not text in it (a port) is handed out as its JSON. */
function membersOf(name: string, text: string): Readonly<Record<string, string>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Said below, without what stands in it.
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(name, 'a secret that is no JSON object', 'write "format: text" for this credential');
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, typeof member === 'string' ? member : JSON.stringify(member)]),
  );
}

function invalid(name: string, what: string, remedy?: string): TallystickError {
  return new TallystickError('upstream_answer_invalid', `"${name}" answered ${ACTION} with ${what}`, {
    ...(remedy !== undefined && { remedy }),
  });
}
