/** Why a value was replaced. */
export type RedactionRule = 'url' | 'header' | 'shape' | 'length';

/** A value that may be exported, and the rule that changed it; undefined when it is the original. */
export interface Scrubbed<T> {
  readonly value: T;
  readonly rule: RedactionRule | undefined;
}

/** What is put in the place of a secret, as the semantic conventions of OpenTelemetry have it. */
const REDACTED = 'REDACTED';

/** Query and form parameters that carry credentials: semantic conventions `url.*`, RFC 6749, 7521, 8693, AWS STS. */
const PARAMETERS = [
  'X-Amz-Signature',
  'X-Amz-Credential',
  'X-Amz-Security-Token',
  'AWSAccessKeyId',
  'Signature',
  'sig',
  'X-Goog-Signature',
  'X-Goog-Credential',
  'WebIdentityToken',
  'SAMLAssertion',
  'SAMLResponse',
  'access_token',
  'refresh_token',
  'id_token',
  'subject_token',
  'actor_token',
  'client_secret',
  'client_assertion',
  'assertion',
  'code',
].join('|');

const IN_URL = new RegExp(`([?&;](?:${PARAMETERS})=)[^&;#\\s"'<>]+`, 'gi');
const AT_START = new RegExp(`^((?:${PARAMETERS})=)[^&;#\\s"'<>]+`, 'i');
const USER_INFORMATION = /\b([a-z][a-z0-9+.-]{0,20}:\/\/)[^/?#\s@]{1,1024}@/gi;

/** Whole runs of the characters of a JWT. One match per run, or a long one would be searched from each `eyJ` in it. */
const DOTTED_RUN = /(?<![\w.-])[\w.-]{12,}/g;

/** Text that is a credential wherever it stands. */
const SHAPES = [
  /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g,
  /-----BEGIN [A-Z0-9 ]{1,40}-----[^]*?(?:-----END [A-Z0-9 ]{1,40}-----|$)/g,
  // GitHub, Slack, keys that begin with sk-, Vault.
  /\b(?:gh[pousr]_\w{20,}|xox[a-z]-[\w-]{10,}|sk-[\w-]{20,}|hv[sb]\.[\w-]{20,})/g,
  /\b(?:Bearer|DPoP) +[\w.~+/-]{16,}=*/gi,
];

/** What any of the rules needs to see, so that most values cost one scan. */
const SUSPICIOUS = new RegExp(
  `:\\/\\/[^/?#\\s]*@|(?:^|[?&;])(?:${PARAMETERS})=|eyJ|AKIA|ASIA|-----BEGIN|gh[pousr]_|xox[a-z]-|sk-|hv[sb]\\.|Bearer|DPoP`,
  'i',
);

/** Header fields that a user may have asked an instrumentation to capture without a thought of what is in them. */
const SECRET_HEADER =
  /\.(?:header|metadata)\.(?:authorization|proxy-authorization|dpop|cookie|set-cookie|x-api-key|x-vault-token|x-amz-security-token)$/;

/** Returns `text` without its secrets, cut to `maxLength`. */
export function scrubText(text: string, maxLength: number): Scrubbed<string> {
  let value = text;
  let rule: RedactionRule | undefined;
  if (SUSPICIOUS.test(text)) {
    value = value.replace(IN_URL, `$1${REDACTED}`).replace(AT_START, `$1${REDACTED}`);
    value = value.replace(USER_INFORMATION, `$1${REDACTED}@`);
    if (value !== text) rule = 'url';
    const withoutUrls = value;
    value = value.replace(DOTTED_RUN, cutJwt);
    for (const shape of SHAPES) value = value.replace(shape, REDACTED);
    if (value !== withoutUrls) rule ??= 'shape';
  }
  // Cut last: a token cut in two would not look like one.
  if (value.length > maxLength) {
    value = value.slice(0, maxLength);
    rule ??= 'length';
  }
  return { value, rule };
}

/** Returns `run` without the JWS or JWE in it, also one that was cut after its first part. */
function cutJwt(run: string): string {
  const segments = run.split('.');
  let start = 0;
  for (const segment of segments.slice(0, -1)) {
    const header = segment.indexOf('eyJ');
    if (header >= 0 && segment.length - header >= 11) return run.slice(0, start + header) + REDACTED;
    start += segment.length + 1;
  }
  return run;
}

/** True when {@link scrubAttribute} would change nothing: most attributes are so, and cost one scan and no memory. */
export function isClean(key: string, value: unknown, maxLength: number): boolean {
  if (typeof value !== 'string') return !Array.isArray(value);
  return value.length <= maxLength && !SUSPICIOUS.test(value) && !SECRET_HEADER.test(key);
}

/** Returns the value of the attribute `key` without its secrets, its texts cut to `maxLength`. */
export function scrubAttribute(key: string, value: unknown, maxLength: number): Scrubbed<unknown> {
  if (typeof value !== 'string' && !Array.isArray(value)) return { value, rule: undefined };
  if (SECRET_HEADER.test(key)) return { value: Array.isArray(value) ? [REDACTED] : REDACTED, rule: 'header' };
  if (typeof value === 'string') return scrubText(value, maxLength);
  let rule: RedactionRule | undefined;
  const items = value.map((item: unknown) => {
    if (typeof item !== 'string') return item;
    const scrubbed = scrubText(item, maxLength);
    rule ??= scrubbed.rule;
    return scrubbed.value;
  });
  return { value: rule ? items : value, rule };
}
