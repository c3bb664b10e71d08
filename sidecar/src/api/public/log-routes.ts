import { TILE_WIDTH } from '@tallystick/audit';
import type { HashTile, PublishedLogs } from '../../record/published-logs.ts';
import { json, type Answer } from '../answer.ts';
import { etagOf, isKnown } from '../etag.ts';
import { logPrefix, LOGS, parseLogPath } from './log-path.ts';

/** Answers what is asked below `/log/`, given its `If-None-Match`. */
export type LogRoutes = (path: string, ifNoneMatch: string | undefined) => Promise<Answer | undefined>;

/** It never changes (tlog-tiles, Merkle Tree). */
const FULL_TILE = 'public, max-age=31536000, immutable';
/** Nor does this one, and soon nobody asks for it any more. */
const PARTIAL_TILE = 'public, max-age=60';

/**
 * `GET /log/`, `/log/<incarnation>/<shard>/checkpoint` and `…/tile/<L>/<N>[.p/<W>]`: the signed heads of the logs and
 * the hashes under them, for witnesses and monitors (C2SP tlog-tiles). No record, and nothing that is not published.
 */
export function logRoutes(logs: PublishedLogs): LogRoutes {
  const list = async (): Promise<Answer> => {
    const found = await logs.list();
    return json(
      {
        logs: found.map(({ origin, vkey, place, isClosed }) => ({
          origin,
          vkey,
          path: logPrefix(place),
          closed: isClosed,
        })),
      },
      { 'cache-control': 'no-cache' },
    );
  };

  return async (path, ifNoneMatch) => {
    if (path === LOGS) return list();
    const asked = parseLogPath(path);
    if (!asked) return undefined;
    const { place, of } = asked;
    if (of !== 'checkpoint') return tileAnswer(of, await logs.tile(place, of));
    const head = await logs.head(place);
    return head && checkpointAnswer(Buffer.from(head.checkpoint), ifNoneMatch);
  };
}

function checkpointAnswer(body: Buffer, ifNoneMatch: string | undefined): Answer {
  const etag = etagOf(body);
  const headers = { etag, 'cache-control': 'no-cache' };
  if (isKnown(etag, ifNoneMatch)) return { status: 304, type: '', body: '', headers };
  return { status: 200, type: 'text/plain; charset=utf-8', body, headers };
}

function tileAnswer({ width }: HashTile, body: Buffer | undefined): Answer | undefined {
  const headers = { 'cache-control': width === TILE_WIDTH ? FULL_TILE : PARTIAL_TILE };
  return body && { status: 200, type: 'application/octet-stream', body, headers };
}
