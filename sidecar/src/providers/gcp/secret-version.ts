import { TallystickError } from '@tallystick/core';
import { secretValues, type SecretFormat } from '../secret-text.ts';
import { jsonOf, refusalOf, type UpstreamAnswer, type UpstreamHttp } from '../upstream-http.ts';
import { bearerHeaders } from './gcp-call.ts';

const WHAT = 'the reading of a secret';

/** A version of a secret that is asked for. */
export interface SecretOrder {
  /** `projects/PROJECT/secrets/SECRET` */
  readonly secret: string;
  readonly version: string;
  readonly format: SecretFormat;
  readonly token: string;
  readonly reason: string;
  /** What IAM calls the reader, for the remedy. */
  readonly principal: string;
  readonly signal: AbortSignal;
}

/**
 * Reads a version of a secret (Secret Manager, `versions.access`).
 *
 * @throws {TallystickError} `upstream_*`
 */
export async function accessSecret(
  options: {
    readonly name: string;
    readonly http: Pick<UpstreamHttp, 'send'>;
    readonly secretManager: string;
    readonly nowMs: () => number;
  },
  order: SecretOrder,
): Promise<{ readonly values: Readonly<Record<string, string>>; readonly version: string }> {
  const { name, http, secretManager, nowMs } = options;
  const { secret, version, format, token, reason, signal } = order;
  const answer = await http.send({
    method: 'GET',
    url: `${secretManager}/v1/${secret}/versions/${version}:access`,
    headers: bearerHeaders(token, reason),
    signal,
  });
  if (answer.status !== 200) throw secretRefusal(name, order, answer, nowMs());
  const { name: resource, payload } = jsonOf(name, WHAT, answer);
  const data = (payload as { data?: unknown } | undefined | null)?.data;
  // The number of the project stands there, where the name of it was asked for.
  const [, found] =
    typeof resource === 'string' ? (/\/secrets\/[^/]+\/versions\/([0-9]{1,19})$/.exec(resource) ?? []) : [];
  const isOther = /^[0-9]+$/.test(version) && found !== version;
  if (typeof data !== 'string' || found === undefined || isOther) {
    throw new TallystickError('upstream_answer_invalid', `"${name}" answered ${WHAT} without its version and data`);
  }
  return { values: secretValues(name, textOf(name, data), format), version: found };
}

function textOf(name: string, data: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(data, 'base64'));
  } catch {
    throw new TallystickError('upstream_answer_invalid', `"${name}" has a secret that is not text`, {
      remedy: 'store bytes in base64: a credential carries text',
    });
  }
}

function secretRefusal(name: string, order: SecretOrder, answer: UpstreamAnswer, nowMs: number): TallystickError {
  const { secret, version, principal } = order;
  if (answer.status === 403) {
    const [, project, , id] = secret.split('/');
    return new TallystickError('upstream_denied', `"${name}" may not read ${secret}`, {
      remedy: `gcloud secrets add-iam-policy-binding ${id} --project=${project} --role=roles/secretmanager.secretAccessor --member="${principal}"`,
    });
  }
  // FAILED_PRECONDITION: it is disabled or destroyed.
  if (answer.status === 400 || answer.status === 404) {
    return new TallystickError(
      'upstream_not_found',
      `"${name}" has no version ${version} of ${secret} that can be read`,
    );
  }
  return refusalOf(name, WHAT, answer, nowMs);
}
