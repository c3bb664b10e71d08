import { AwsV4Signer } from 'aws4fetch';
import type { AwsKeys } from '../../config/aws-credentials.ts';
import type { AwsService } from './endpoints.ts';

/** A request to AWS as its signature covers it. */
export interface RequestToSign {
  readonly service: AwsService;
  readonly region: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * Returns the headers of a POST with its signature (AWS Signature Version 4) over all of them and the digest of the body.
 * Good for 5 minutes around `nowMs`.
 */
export async function signRequest(
  request: RequestToSign,
  { accessKeyId, secretAccessKey, sessionToken }: AwsKeys,
  nowMs: number,
): Promise<Readonly<Record<string, string>>> {
  const { service, region, url, headers, body } = request;
  const signer = new AwsV4Signer({
    method: 'POST',
    url,
    headers: { ...headers },
    body,
    accessKeyId,
    secretAccessKey,
    ...(sessionToken !== undefined && { sessionToken }),
    service,
    region,
    datetime: new Date(nowMs).toISOString().replaceAll(/[:-]|\.\d{3}/g, ''),
    // "content-type" too: else another could change what the body is taken for.
    allHeaders: true,
  });
  return Object.fromEntries((await signer.sign()).headers);
}
