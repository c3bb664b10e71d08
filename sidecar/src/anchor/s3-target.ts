import { hash } from 'node:crypto';
import type { ReplicaTarget } from '@tallystick/audit';
import type { Clock } from '@tallystick/core';
import type { S3Config } from '../config/config.ts';
import { s3Error, type SendS3 } from './s3-requests.ts';

const DAY_MS = 86_400_000;

/**
 * Returns a replica in a bucket of an object store that speaks S3. Each object is stored under the condition that there is
 * none, and locked: nobody changes or deletes that version before its time, in mode `compliance` not even who owns the
 * account. What is removed is only hidden.
 */
export function createS3Target(send: SendS3, config: S3Config, clock: Pick<Clock, 'nowMs'>): ReplicaTarget {
  const { prefix, lock, retentionDays } = config;
  return {
    async putIfAbsent(path, content) {
      const until = new Date(clock.nowMs() + retentionDays * DAY_MS).toISOString();
      const answer = await send({
        method: 'PUT',
        key: prefix + path,
        headers: {
          'if-none-match': '*',
          // A lock asks for a checksum of its own, beside that of the signature.
          'x-amz-sdk-checksum-algorithm': 'SHA256',
          'x-amz-checksum-sha256': hash('sha256', content, 'base64'),
          'x-amz-object-lock-mode': lock.toUpperCase(),
          'x-amz-object-lock-retain-until-date': until,
        },
        body: content,
      });
      if (answer.status === 200) return true;
      if (answer.status === 412) return false;
      throw s3Error('taken an object', answer);
    },
    async get(path) {
      const answer = await send({ method: 'GET', key: prefix + path });
      if (answer.status === 200) return answer.body;
      const error = s3Error('given an object', answer);
      if (answer.status === 404 && 'code' in error && error.code === 'NoSuchKey') return undefined;
      throw error;
    },
    async remove(path) {
      const answer = await send({ method: 'DELETE', key: prefix + path });
      if (answer.status !== 204) throw s3Error('removed an object', answer);
    },
    async list(folder, after) {
      const paths: string[] = [];
      const query = {
        'list-type': '2',
        'encoding-type': 'url',
        prefix: `${prefix}${folder}/`,
        ...(after !== undefined && { 'start-after': prefix + after }),
      };
      for (let next: Query | undefined = {}; next;) {
        const page = await listPage(send, { ...query, ...next });
        paths.push(...page.keys.map((key) => key.slice(prefix.length)));
        next = page.next;
      }
      return paths;
    },
  };
}

type Query = Readonly<Record<string, string>>;

/** Returns up to a thousand names, in their order, and what asks for those after them (ListObjectsV2). */
async function listPage(send: SendS3, query: Query): Promise<{ keys: readonly string[]; next: Query | undefined }> {
  const answer = await send({ method: 'GET', query });
  if (answer.status !== 200) throw s3Error('listed its objects', answer);
  const xml = answer.body.toString('utf8');
  const keys = Array.from(xml.matchAll(/<Key>([^<]*)<\/Key>/g), ([, key]) => decodeURIComponent(key!));
  const [, token] = /<NextContinuationToken>([^<]+)<\/NextContinuationToken>/.exec(xml) ?? [];
  return { keys, next: token === undefined ? undefined : { 'continuation-token': unescapeXml(token) } };
}

function unescapeXml(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&');
}
