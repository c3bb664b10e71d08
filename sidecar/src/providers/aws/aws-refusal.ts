import { TallystickError, type ErrorCode } from '@tallystick/core';
import { refusalOf, retryAfterMsOf, type UpstreamAnswer } from '../upstream-http.ts';
import { readXml } from './xml.ts';

interface Meaning {
  readonly code: ErrorCode;
  readonly remedy?: string;
}

const CLOCK = 'set the clock of this machine: AWS takes requests within 5 minutes of its own';
const KEYS = 'give the file of "auth" the access key that AWS has for the sidecar, and the region its own endpoint';
const TRUST =
  'register "federation.url" as an OpenID Connect provider in the account of the role, with this audience, and let AWS reach its published files';
const POLICY = 'correct "policy" and "policyArns" of the credential, or make them shorter';

/** What the codes of errors mean that STS, Secrets Manager and their signatures give. No other text of an answer is used. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  AccessDenied: { code: 'upstream_denied' },
  AccessDeniedException: { code: 'upstream_denied' },
  DecryptionFailure: { code: 'upstream_denied', remedy: 'allow kms:Decrypt on the key of the secret' },
  ExpiredToken: { code: 'upstream_login_refused' },
  ExpiredTokenException: { code: 'upstream_login_refused', remedy: CLOCK },
  IDPCommunicationError: { code: 'upstream_unavailable', remedy: TRUST },
  IDPRejectedClaim: { code: 'upstream_login_refused', remedy: TRUST },
  IncompleteSignature: { code: 'upstream_login_refused', remedy: KEYS },
  IncompleteSignatureException: { code: 'upstream_login_refused', remedy: KEYS },
  InternalFailure: { code: 'upstream_failed' },
  InternalServiceError: { code: 'upstream_failed' },
  InvalidClientTokenId: { code: 'upstream_login_refused', remedy: KEYS },
  InvalidIdentityToken: { code: 'upstream_login_refused', remedy: TRUST },
  InvalidParameterException: { code: 'upstream_not_found' },
  InvalidRequestException: { code: 'upstream_not_found', remedy: 'restore the secret: AWS has it for deletion' },
  InvalidSignatureException: { code: 'upstream_login_refused', remedy: KEYS },
  MalformedPolicyDocument: { code: 'upstream_denied', remedy: POLICY },
  PackedPolicyTooLarge: { code: 'upstream_denied', remedy: POLICY },
  RegionDisabledException: { code: 'upstream_denied', remedy: 'activate STS in this region for the account' },
  RequestExpired: { code: 'upstream_login_refused', remedy: CLOCK },
  ResourceNotFoundException: { code: 'upstream_not_found' },
  ServiceUnavailable: { code: 'upstream_unavailable' },
  SignatureDoesNotMatch: { code: 'upstream_login_refused', remedy: `${KEYS}; or ${CLOCK}` },
  Throttling: { code: 'upstream_rate_limited' },
  ThrottlingException: { code: 'upstream_rate_limited' },
  TooManyRequestsException: { code: 'upstream_rate_limited' },
  UnrecognizedClientException: { code: 'upstream_login_refused', remedy: KEYS },
  ValidationError: {
    code: 'upstream_denied',
    remedy:
      'give "lifetime" at most what the role allows (MaxSessionDuration), and 1h where a session assumes the role',
  },
};

/** Returns the error that an answer of AWS stands for which is no success. Of its body it has the code, where that is known. */
export function awsRefusalOf(name: string, action: string, answer: UpstreamAnswer, nowMs: number): TallystickError {
  const code = awsCodeOf(answer);
  const meaning = code === undefined ? undefined : MEANINGS[code];
  if (code === undefined || !meaning) return refusalOf(name, action, answer, nowMs);
  const retryAfterMs = retryAfterMsOf(answer, nowMs);
  return new TallystickError(meaning.code, `"${name}" answered ${code} to ${action}`, {
    ...(meaning.remedy !== undefined && { remedy: meaning.remedy }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}

/** Returns the code of an error that is known here: of the XML of STS, or the JSON of Secrets Manager. */
function awsCodeOf({ headers, text }: UpstreamAnswer): string | undefined {
  const given = readXml(text)?.get('ErrorResponse/Error/Code') ?? headers['x-amzn-errortype'] ?? jsonType(text);
  // `com.amazonaws#Code`, `Code:http://…`
  const code = given?.split(':')[0]?.split('#').at(-1);
  return code !== undefined && Object.hasOwn(MEANINGS, code) ? code : undefined;
}

function jsonType(text: string): string | undefined {
  try {
    const { __type: type } = JSON.parse(text) as { __type?: unknown };
    return typeof type === 'string' ? type : undefined;
  } catch {
    return undefined;
  }
}
