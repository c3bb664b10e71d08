/** A parameter that STS refuses, as it says it. */
export class StsFault extends Error {
  readonly code: string;
  readonly status: number;

  constructor(code: string, why: string, status = 400) {
    super(why);
    this.code = code;
    this.status = status;
  }
}

interface Limits {
  readonly min: number;
  readonly max: number;
  readonly pattern: RegExp;
}

/** Of botocore's model of STS, 2011-06-15: `min`, `max` and `pattern` of each shape. */
export const STS_LIMITS = {
  RoleArn: { min: 20, max: 2048, pattern: /^[\t\n\r -~\u0085\u00a0-\ud7ff\ue000-\ufffd]+$/u },
  RoleSessionName: { min: 2, max: 64, pattern: /^[\w+=,.@-]*$/ },
  SourceIdentity: { min: 2, max: 64, pattern: /^[\w+=,.@-]*$/ },
  ExternalId: { min: 2, max: 1224, pattern: /^[\w+=,.@:/-]*$/ },
  // The model bounds it for AssumeRoleWithWebIdentity; the API reference does for both.
  Policy: { min: 1, max: 2048, pattern: /^[\t\n\r -\u00ff]+$/ },
  WebIdentityToken: { min: 4, max: 20_000, pattern: /^[\s\S]*$/ },
  Key: { min: 1, max: 128, pattern: /^[\p{L}\p{Z}\p{N}_.:/=+\-@]+$/u },
  Value: { min: 0, max: 256, pattern: /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u },
} satisfies Record<string, Limits>;

/** `SubjectFromWebIdentityToken` of the same model. */
export const SUBJECT_LIMITS: Limits = { min: 6, max: 255, pattern: /^[\s\S]*$/ };

const MAX_TAGS = 50;
const MAX_POLICIES = 10;
const MIN_SECONDS = 900;
const MAX_SECONDS = 43_200;

/** What was asked for, within all limits. */
export interface StsParameters {
  readonly action: 'AssumeRole' | 'AssumeRoleWithWebIdentity';
  readonly role: string;
  readonly sessionName: string;
  readonly seconds: number;
  readonly policy: string | undefined;
  readonly policyArns: readonly string[];
  readonly externalId: string | undefined;
  readonly sourceIdentity: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
  readonly token: string | undefined;
}

const MEMBERS = {
  AssumeRole: ['ExternalId', 'SourceIdentity'],
  AssumeRoleWithWebIdentity: ['WebIdentityToken'],
};

/**
 * Reads the form of a request, refusing each parameter that the action does not have, or that is beyond its limits.
 *
 * @throws {StsFault}
 */
export function readStsParameters(body: string): StsParameters {
  const form = new URLSearchParams(body);
  if (new Set(form.keys()).size !== form.size) throw new StsFault('ValidationError', 'a parameter comes twice');
  const take = (name: string): string | undefined => {
    const value = form.get(name) ?? undefined;
    form.delete(name);
    return value;
  };
  const action = take('Action');
  if (action !== 'AssumeRole' && action !== 'AssumeRoleWithWebIdentity') {
    throw new StsFault('InvalidAction', `Could not find operation ${action}`);
  }
  if (take('Version') !== '2011-06-15') throw new StsFault('InvalidAction', 'another version');
  const limited = (name: keyof typeof STS_LIMITS, from = name as string): string | undefined => {
    const value = take(from);
    if (value !== undefined) requireWithin(from, value, STS_LIMITS[name]);
    return value;
  };
  const required = (name: keyof typeof STS_LIMITS): string => {
    const value = limited(name);
    if (value === undefined) throw new StsFault('ValidationError', `${name} is missing`);
    return value;
  };
  const list = (item: (prefix: number) => boolean): void => {
    for (let i = 1; item(i); i++);
  };
  const role = required('RoleArn');
  const sessionName = required('RoleSessionName');
  const seconds = Number(take('DurationSeconds') ?? 3600);
  if (!Number.isInteger(seconds) || seconds < MIN_SECONDS || seconds > MAX_SECONDS) {
    throw new StsFault('ValidationError', 'DurationSeconds is out of range');
  }
  const policyArns: string[] = [];
  list((i) => {
    const arn = limited('RoleArn', `PolicyArns.member.${i}.arn`);
    return arn !== undefined && policyArns.push(arn) > 0;
  });
  const tags: Record<string, string> = {};
  list((i) => {
    if (action !== 'AssumeRole') return false;
    const key = limited('Key', `Tags.member.${i}.Key`);
    if (key === undefined) return false;
    addTag(tags, key, limited('Value', `Tags.member.${i}.Value`));
    return true;
  });
  const parameters: StsParameters = {
    action,
    role,
    sessionName,
    seconds,
    policy: limited('Policy'),
    policyArns,
    externalId: MEMBERS[action].includes('ExternalId') ? limited('ExternalId') : undefined,
    sourceIdentity: MEMBERS[action].includes('SourceIdentity') ? limited('SourceIdentity') : undefined,
    tags,
    token: MEMBERS[action].includes('WebIdentityToken') ? required('WebIdentityToken') : undefined,
  };
  const [unknown] = form.keys();
  if (unknown !== undefined) throw new StsFault('ValidationError', `${action} has no parameter ${unknown}`);
  if (policyArns.length > MAX_POLICIES) throw new StsFault('ValidationError', 'more than 10 policies');
  requireSmall(parameters);
  return parameters;
}

/**
 * Adds a session tag.
 *
 * @throws {StsFault}
 */
export function addTag(tags: Record<string, string>, key: string, value: string | undefined): void {
  if (value === undefined) throw new StsFault('ValidationError', `tag ${key} has no value`);
  requireWithin('tag key', key, STS_LIMITS.Key);
  requireWithin(`tag ${key}`, value, STS_LIMITS.Value);
  if (/^aws:/i.test(key)) throw new StsFault('ValidationError', 'tags of AWS itself cannot be set');
  const twice = Object.keys(tags).some((other) => other.toLowerCase() === key.toLowerCase());
  if (twice) throw new StsFault('ValidationError', `tag ${key} comes twice`);
  tags[key] = value;
  if (Object.keys(tags).length > MAX_TAGS) throw new StsFault('ValidationError', 'more than 50 tags');
}

/** @throws {StsFault} */
export function requireWithin(name: string, value: string, { min, max, pattern }: Limits): void {
  const { length } = Array.from(value);
  if (length < min || length > max || !pattern.test(value)) {
    throw new StsFault(
      'ValidationError',
      `${name} failed to satisfy constraint: ${min} to ${max} of ${pattern.source}`,
    );
  }
}

/** AWS packs policies and tags by a compression of its own; nothing is known but that there is an end to it. */
const MAX_PACKED = 3000;

function requireSmall({ policy = '', policyArns, tags }: StsParameters): void {
  if (policy !== '') {
    try {
      JSON.parse(policy);
    } catch {
      throw new StsFault('MalformedPolicyDocument', 'Syntax errors in policy.');
    }
  }
  const size = policy.length + policyArns.join('').length + JSON.stringify(tags).length;
  if (size > MAX_PACKED)
    throw new StsFault('PackedPolicyTooLarge', 'Packed policy consumes more than 100% of its space');
}
