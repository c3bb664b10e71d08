import { TallystickError } from '@tallystick/core';
import { secretValues, type SecretFormat } from '../secret-text.ts';
import { jsonOf, refusalOf, type UpstreamAnswer, type UpstreamHttp } from '../upstream-http.ts';

const WHAT = 'the reading of a secret';
const API_VERSION = '7.4';

/** A secret of a key vault that is asked for. */
export interface VaultSecretOrder {
  /** Address of the vault. */
  readonly vault: string;
  readonly secret: string;
  /** Undefined: the newest. */
  readonly version: string | undefined;
  readonly format: SecretFormat;
  readonly token: string;
  /** The application that reads, for the remedy. */
  readonly client: string;
  readonly requestId: string;
  readonly signal: AbortSignal;
}

/** What is read of a secret. */
export interface VaultSecret {
  readonly values: Readonly<Record<string, string>>;
  readonly version: string;
  /** Until when the vault lets it be used, milliseconds since the epoch; undefined: nothing is said of that. */
  readonly endsAtMs: number | undefined;
}

/** Returns the scope of a token for a vault: that of the cloud which the vault is in. */
export function vaultScope(vault: string): string {
  const [, domain = 'vault.azure.net'] =
    /\.(vault\.(?:azure\.(?:net|cn)|usgovcloudapi\.net))$/.exec(new URL(vault).hostname) ?? [];
  return `https://${domain}/.default`;
}

/**
 * Reads a secret (Key Vault, `Get Secret`).
 *
 * @throws {TallystickError} `upstream_*`
 */
export async function readVaultSecret(
  options: { readonly name: string; readonly http: Pick<UpstreamHttp, 'send'>; readonly nowMs: () => number },
  order: VaultSecretOrder,
): Promise<VaultSecret> {
  const { name, http, nowMs } = options;
  const { vault, secret, version, format, token, requestId, signal } = order;
  const path = version === undefined ? secret : `${secret}/${version}`;
  const answer = await http.send({
    method: 'GET',
    url: `${vault}/secrets/${path}?api-version=${API_VERSION}`,
    headers: { accept: 'application/json', authorization: `Bearer ${token}`, 'x-ms-client-request-id': requestId },
    signal,
  });
  if (answer.status !== 200) throw vaultRefusal(name, order, answer, nowMs());
  const { value, id, attributes } = jsonOf(name, WHAT, answer);
  const [, found] = typeof id === 'string' ? (/\/secrets\/[^/]+\/([0-9a-f]{32})$/.exec(id) ?? []) : [];
  if (typeof value !== 'string' || found === undefined || (version !== undefined && found !== version)) {
    throw new TallystickError('upstream_answer_invalid', `"${name}" answered ${WHAT} without its value and version`);
  }
  const exp = (attributes as { exp?: unknown } | undefined | null)?.exp;
  return {
    values: secretValues(name, value, format),
    version: found,
    endsAtMs: typeof exp === 'number' ? exp * 1000 : undefined,
  };
}

function vaultRefusal(name: string, order: VaultSecretOrder, answer: UpstreamAnswer, nowMs: number): TallystickError {
  const { vault, secret, client } = order;
  if (answer.status === 401 || answer.status === 403) {
    return new TallystickError('upstream_denied', `"${name}" may not read ${secret} of ${vault}`, {
      remedy: `az role assignment create --assignee ${client} --role "Key Vault Secrets User" --scope "<id of the vault>/secrets/${secret}"; and let its network rules admit this machine`,
    });
  }
  return refusalOf(name, WHAT, answer, nowMs);
}
