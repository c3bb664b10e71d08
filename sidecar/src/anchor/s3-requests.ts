import { hash } from 'node:crypto';
import { AwsV4Signer } from 'aws4fetch';
import { TallystickError, type Timers } from '@tallystick/core';
import type { S3Config } from '../config/config.ts';
import { readAwsCredentials } from '../config/aws-credentials.ts';

/** One request to a bucket. */
export interface S3Request {
  readonly method: 'GET' | 'PUT' | 'DELETE';
  /** Name of the object; absent: the bucket itself. */
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

/** What a bucket answered: its body is whole. */
export interface S3Answer {
  readonly status: number;
  readonly body: Buffer;
}

/** Sends signed requests to a bucket. */
export type SendS3 = (request: S3Request) => Promise<S3Answer>;

/** For an answer with its body; shorter than a call to a replica may take, so that no call hangs. */
const ANSWER_MS = 8000;
/** A bundle has at most 16 MiB. */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;

/**
 * Returns what sends requests to a bucket, each signed with the credentials that the file has then (AWS Signature
 * Version 4, with the digest of the body). It repeats none and follows no redirection.
 *
 * @param signal When it is aborted, what is under way is given up.
 */
export function s3Requests(config: S3Config, timers: Timers, signal: AbortSignal): SendS3 {
  const { endpoint, bucket, region } = config;
  return async ({ method, key, query, headers = {}, body = new Uint8Array() }) => {
    const { accessKeyId, secretAccessKey, sessionToken } = await credentialsOf(config.credentials);
    const url = new URL(key === undefined ? `/${bucket}` : `/${bucket}/${key}`, endpoint);
    for (const [name, value] of Object.entries(query ?? {})) url.searchParams.set(name, value);
    const signer = new AwsV4Signer({
      method,
      url: url.href,
      headers: { ...headers, 'x-amz-content-sha256': hash('sha256', body, 'hex') },
      accessKeyId,
      secretAccessKey,
      ...(sessionToken !== undefined && { sessionToken }),
      service: 's3',
      region,
    });
    const signed = await signer.sign();
    const deadline = new AbortController();
    const timer = timers.after(ANSWER_MS, () => deadline.abort());
    try {
      const response = await fetch(signed.url, {
        method,
        headers: signed.headers,
        body: method === 'PUT' ? new Uint8Array(body) : null,
        redirect: 'error',
        signal: AbortSignal.any([signal, deadline.signal]),
      });
      return { status: response.status, body: await readBounded(response) };
    } finally {
      timer.cancel();
    }
  };
}

/** Returns the error for an answer that is not what was asked for. Of the body it has the code alone. */
export function s3Error(asked: string, { status, body }: S3Answer): Error {
  const [, code = 'unknown'] = /<Code>([A-Za-z]{1,64})<\/Code>/.exec(body.toString('latin1')) ?? [];
  return Object.assign(new Error(`the object store has not ${asked}: ${status}`), { code });
}

async function credentialsOf(path: string) {
  const file = await readAwsCredentials(path, 'default');
  if (file.ok) return file.credentials;
  throw new TallystickError('config_invalid', `"audit.replica.s3.credentials" ${file.message}`, {
    remedy: file.remedy,
  });
}

async function readBounded(response: Response): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw new Error('the answer of the object store is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
