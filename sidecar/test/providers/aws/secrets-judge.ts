import type { ReceivedRequest } from './sigv4-judge.ts';
import { requireWithin, StsFault } from './sts-limits.ts';

/** One version of a secret. */
export interface StoredVersion {
  readonly id: string;
  readonly stages: readonly string[];
  readonly text?: string;
  /** Base64. */
  readonly binary?: string;
}

/** Of botocore's model of Secrets Manager, 2017-10-17. */
const LIMITS: Readonly<Record<string, { readonly min: number; readonly max: number; readonly pattern: RegExp }>> = {
  SecretId: { min: 1, max: 2048, pattern: /^[\s\S]*$/ },
  VersionId: { min: 32, max: 64, pattern: /^[\s\S]*$/ },
  VersionStage: { min: 1, max: 256, pattern: /^[\s\S]*$/ },
};

/**
 * Answers `GetSecretValue`.
 *
 * @throws {StsFault}
 */
export function judgeSecretRequest(
  { headers, body }: ReceivedRequest,
  secrets: ReadonlyMap<string, readonly StoredVersion[]>,
): { readonly secret: string; readonly answer: unknown } {
  if (headers['content-type'] !== 'application/x-amz-json-1.1') throw new StsFault('SerializationException', 'no JSON');
  if (headers['x-amz-target'] !== 'secretsmanager.GetSecretValue') {
    throw new StsFault('UnknownOperationException', 'another operation');
  }
  const asked = JSON.parse(body) as Record<string, string>;
  for (const [name, value] of Object.entries(asked)) {
    const limits = LIMITS[name];
    if (!limits) throw new StsFault('SerializationException', `there is no ${name}`);
    requireWithin(name, value, limits);
  }
  const { SecretId: secret = '', VersionId: id, VersionStage: stage = 'AWSCURRENT' } = asked;
  const found = secrets
    .get(secret)
    ?.find((version) => (id === undefined ? version.stages.includes(stage) : version.id === id));
  if (!found) throw new StsFault('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
  return {
    secret,
    answer: {
      ARN: `arn:aws:secretsmanager:eu-central-1:123456789012:secret:${secret}-AbCdEf`,
      CreatedDate: 1.523477145713e9,
      Name: secret,
      SecretString: found.text,
      SecretBinary: found.binary,
      VersionId: found.id,
      VersionStages: found.stages,
    },
  };
}
