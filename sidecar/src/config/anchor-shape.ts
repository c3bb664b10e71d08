import { formatDuration, isLoopbackHost, parseDurationMs } from '@tallystick/core';
import { ABSOLUTE_PATH } from './file-path.ts';
import { defaulted, object, optional, required } from './object-shape.ts';
import { choice, text, type TextOptions, type TypeOf } from './shape.ts';

/** A year of heads that nobody would miss takes 40 MB then. */
export const DEFAULT_INTERVAL = '5m';

const MIN_INTERVAL_MS = 1000;
/** A verifier takes an anchor for old after a day: two rounds may be missed. */
const MAX_INTERVAL_MS = 8 * 3_600_000;

const INTERVAL: TextOptions = {
  is: 'an interval of anchors',
  write: `a duration from ${formatDuration(MIN_INTERVAL_MS)} to ${formatDuration(MAX_INTERVAL_MS)}, such as 5m`,
  pattern: /^[1-9][0-9]{0,8}[smhd]$/u,
  check: (given) => {
    const ms = parseDurationMs(given) ?? Infinity;
    if (ms < MIN_INTERVAL_MS) return `it is below ${formatDuration(MIN_INTERVAL_MS)}`;
    return ms > MAX_INTERVAL_MS ? `it is above ${formatDuration(MAX_INTERVAL_MS)}` : undefined;
  },
};

/** The `audit.anchors` mapping. */
export const ANCHORS = object({
  policy: optional(
    text(ABSOLUTE_PATH),
    'File of the witnesses, their keys and URLs, and the quorum, as C2SP tlog-policy.',
  ),
  interval: defaulted(text(INTERVAL), DEFAULT_INTERVAL, 'How often the published head is cosigned and replicated.'),
});

/** Bucket names as all regions take them now: DNS labels of 3 to 63 characters. */
const BUCKET: TextOptions = {
  is: 'the name of a bucket',
  write: '3 to 63 of a-z, 0-9, "." and "-", the first and the last a letter or digit',
  pattern: /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/u,
};

const REGION: TextOptions = {
  is: 'a region',
  write: 'a region such as eu-central-1',
  pattern: /^[a-z0-9][a-z0-9-]{0,62}$/u,
};

const PREFIX: TextOptions = {
  is: 'a prefix of objects',
  write: 'parts of a-z, A-Z, 0-9, "." , "_" and "-" with one "/" between, such as tallystick/eu',
  pattern: /^[A-Za-z0-9_-][A-Za-z0-9._-]*(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/u,
};

const ENDPOINT: TextOptions = {
  is: 'the URL of an object store',
  write: 'https and a host, and nothing after it: https://s3.eu-central-1.amazonaws.com',
  pattern: /^https?:\/\/[^\s/?#@\\]+$/u,
  check: (given) => {
    if (!URL.canParse(given)) return 'it is malformed';
    const { protocol, hostname } = new URL(given);
    return protocol === 'https:' || isLoopbackHost(hostname) ? undefined : 'plain http is for loopback alone';
  },
};

const MAX_RETENTION_DAYS = 36_500;

const RETENTION: TextOptions = {
  is: 'a retention',
  write: 'a whole number of days, such as 400d',
  pattern: /^[1-9][0-9]{0,8}d$/u,
  check: (given) => (retentionDays(given) > MAX_RETENTION_DAYS ? 'it is above a hundred years' : undefined),
};

/** Returns the days of a text of {@link RETENTION}. */
export function retentionDays(given: string): number {
  return Number.parseInt(given, 10);
}

const S3 = object({
  bucket: required(text(BUCKET), 'The bucket, with object lock.', 'acme-audit'),
  region: required(text(REGION), 'The region of the bucket.', 'eu-central-1'),
  endpoint: optional(text(ENDPOINT), 'Where the object store is. Default: AWS, in the region.'),
  prefix: optional(text(PREFIX), 'What the names of all objects begin with.'),
  credentials: required(
    text(ABSOLUTE_PATH),
    'File of the access key, in the form of an AWS credentials file; its profile "default" is used.',
    '/etc/tallystick/s3-credentials',
  ),
  retention: required(text(RETENTION), 'How long each object is locked.', '400d'),
  lock: defaulted(
    choice(['compliance', 'governance']),
    'compliance',
    'Who may shorten that: nobody ("compliance"), or whoever has the right to ("governance").',
  ),
});

/** The `audit.replica` mapping. */
export const REPLICA = object(
  {
    folder: optional(text(ABSOLUTE_PATH), 'Folder on another disk or machine, which exists.'),
    s3: optional(S3, 'Bucket of an object store that speaks S3.'),
  },
  { exactlyOne: ['folder', 's3'] },
);

export type ReplicaValue = TypeOf<typeof REPLICA>;
