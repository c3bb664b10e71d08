import { isLoopbackHost, TallystickError } from '@tallystick/core';
import { DISCOVERY_FILE } from '../../issuer/federation-files.ts';
import type { CheckFinding, ProviderContext } from '../provider.ts';
import { jsonOf, type UpstreamHttp } from '../upstream-http.ts';

const PUBLISH =
  'run "tallystick issuer publish --dir DIR", and serve DIR at "federation.url" with https, for everybody to read';

/**
 * Says whether the files of the federation can be read as a cloud reads them, and have the key that signs now. The
 * sidecar may not reach what clouds do: then nothing is said against them.
 */
export async function checkFederationFiles(
  http: Pick<UpstreamHttp, 'send'>,
  jwt: string,
  signal: AbortSignal,
): Promise<CheckFinding> {
  const [{ kid }, { iss }] = jwt.split('.', 2).map(partOf) as [{ kid: string }, { iss: string }];
  const what = `federation ${iss}`;
  try {
    const document = await read(http, `${iss}/${DISCOVERY_FILE}`, signal);
    if (document.issuer !== iss) return { ok: false, what, message: 'its files name another issuer', remedy: PUBLISH };
    const keys = await read(http, jwksUriOf(document.jwks_uri), signal);
    const has = Array.isArray(keys.keys) && keys.keys.some((key: unknown) => (key as { kid?: unknown })?.kid === kid);
    return has
      ? { ok: true, what, message: 'its files have the key that signs now' }
      : { ok: false, what, message: `its files lack the key that signs now, ${kid}`, remedy: PUBLISH };
  } catch (error) {
    if (!TallystickError.is(error)) throw error;
    if (error.code === 'upstream_unavailable') {
      return { ok: true, what, message: 'its files cannot be reached from here; a cloud may still read them' };
    }
    return { ok: false, what, message: 'its files are not where its URL says', remedy: PUBLISH };
  }
}

async function read(
  http: Pick<UpstreamHttp, 'send'>,
  url: string,
  signal: AbortSignal,
): Promise<Readonly<Record<string, unknown>>> {
  const answer = await http.send({ method: 'GET', url, headers: { accept: 'application/json' }, signal });
  if (answer.status !== 200) throw new TallystickError('upstream_answer_invalid', 'there is no such file');
  return jsonOf('federation', 'its files', answer);
}

function jwksUriOf(value: unknown): string {
  const url = typeof value === 'string' ? URL.parse(value) : null;
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopbackHost(url.hostname))) return url.href;
  throw new TallystickError('upstream_answer_invalid', 'the files name no place of keys');
}

function partOf(part: string): unknown {
  return JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
}

/** SPIFFE ID by which the sidecar tries a trust that no workload is waiting for. */
export function checkSubject({ trustDomain, sidecarId }: Pick<ProviderContext, 'trustDomain' | 'sidecarId'>): string {
  return `spiffe://${trustDomain}/tallystick/sidecar/${sidecarId}`;
}
