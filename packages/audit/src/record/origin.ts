import { hasShape } from './shape.ts';
import { originText } from './values.ts';

/** Which log a record is in. A new incarnation begins where the tail of the one before cannot be relied on. */
export interface Origin {
  readonly trustDomain: string;
  readonly sidecarId: string;
  /** Counts from 1, as the shards of each do. */
  readonly incarnation: number;
  readonly shard: number;
}

/** Returns the parts of `<trust domain>/<sidecar id>/<incarnation>/<shard>`, or undefined for any other text. */
export function parseOrigin(text: string): Origin | undefined {
  if (!hasShape(originText, text)) return undefined;
  const [trustDomain = '', sidecarId = '', incarnation, shard] = text.split('/');
  return { trustDomain, sidecarId, incarnation: Number(incarnation), shard: Number(shard) };
}

export function formatOrigin({ trustDomain, sidecarId, incarnation, shard }: Origin): string {
  return `${trustDomain}/${sidecarId}/${incarnation}/${shard}`;
}

/** The head of a log: how many leaves it has, and the Merkle root over them in base64. */
export interface Head {
  readonly origin: string;
  readonly size: number;
  readonly root: string;
}
