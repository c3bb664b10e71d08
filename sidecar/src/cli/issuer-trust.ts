import { isLoopbackHost, isSpiffeId } from '@tallystick/core';
import type { AdminClient } from './admin-client.ts';
import { jsonText } from './ask-sidecar.ts';
import { UsageError, type Output } from './command.ts';

/** What the operator adds to a trust file. */
export interface TrustOptions {
  /** Who the workload is; undefined where the file is for several. */
  readonly identity: string | undefined;
  /** URLs of token endpoints, with commas between. */
  readonly servers: string | undefined;
}

/**
 * Prints the file by which a workload knows this sidecar: `TALLYSTICK_TRUST` of the SDK. It has the key that sealed answers
 * are signed by, and the next one.
 *
 * @throws {UsageError} An option names nobody.
 */
export async function printTrustFile(
  sidecar: AdminClient,
  { identity, servers }: TrustOptions,
  stdout: Output,
): Promise<void> {
  if (identity !== undefined && !isSpiffeId(identity)) throw new UsageError('--identity is not a SPIFFE ID');
  const authorizationServers = servers?.split(',');
  if (authorizationServers?.some((url) => !isEndpoint(url)))
    throw new UsageError('--authorization-servers names what is no https URL of a token endpoint');
  const { issuer, reply_keys: replyKeys } = await sidecar.get('/v1/issuer');
  stdout.write(jsonText({ issuer, replyKeys, identity, authorizationServers }));
}

function isEndpoint(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopbackHost(url.hostname)));
}
