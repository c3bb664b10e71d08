import { isSpiffeId, printable, TallystickError } from '@tallystick/core';
import { normalizeHtu } from '@tallystick/dpop';
import { tokenEndpoints } from './authorization-servers.ts';

/** What the operator says of the sidecar, in a file that this process cannot write. */
export interface SidecarTrust {
  /** The issuer URL of the sidecar. */
  readonly issuer: string;
  /** Who this workload is; undefined where the file does not say. */
  readonly identity: string | undefined;
  /** URLs of token endpoints, normalized, that proofs may be made for. */
  readonly authorizationServers: readonly string[];
  /** True for the thumbprint of a key that sidecar answers are signed by. */
  readonly isReplyKey: (thumbprint: string) => boolean;
}

/**
 * Opens the trust file at `path`.
 *
 * @param read Returns the file's text, and throws where it cannot be trusted. Called again where an answer is signed by a
 * key that the file did not name: the sidecar's keys are replaced, and then the file is.
 * @throws {TallystickError} `config_invalid`
 */
export function openTrust(path: string, read: (path: string) => string): SidecarTrust {
  const first = parseTrustFile(read(path), path);
  let { replyKeys } = first;
  return {
    ...first,
    isReplyKey(thumbprint) {
      if (!replyKeys.includes(thumbprint)) ({ replyKeys } = parseTrustFile(read(path), path));
      return replyKeys.includes(thumbprint);
    },
  };
}

/** What a trust file has. */
export interface TrustFile extends Omit<SidecarTrust, 'isReplyKey'> {
  /** RFC 7638 thumbprints. */
  readonly replyKeys: readonly string[];
}

const MEMBERS = ['issuer', 'replyKeys', 'identity', 'authorizationServers'];
const THUMBPRINT = /^[\w-]{43}$/;

/**
 * Reads the text of a trust file. A member that is not known is a mistake: it may have been meant to bind.
 *
 * @throws {TallystickError} `config_invalid`
 */
export function parseTrustFile(text: string, path: string): TrustFile {
  const { issuer, replyKeys, identity, authorizationServers = [], ...others } = readMembers(text, path);
  const [strange] = Object.keys(others);
  if (strange !== undefined) throw untrusted(path, `has "${printable(strange)}", not ${MEMBERS.join(', ')}`);
  if (typeof issuer !== 'string' || normalizeHtu(issuer) === undefined) throw untrusted(path, 'has no "issuer"');
  if (!isTexts(replyKeys) || replyKeys.length === 0 || !replyKeys.every((key) => THUMBPRINT.test(key))) {
    throw untrusted(path, 'has no "replyKeys", a list of thumbprints');
  }
  if (identity !== undefined && !(typeof identity === 'string' && isSpiffeId(identity))) {
    throw untrusted(path, 'has an "identity" that is no SPIFFE ID');
  }
  if (!isTexts(authorizationServers)) throw untrusted(path, 'has "authorizationServers" that are no list of URLs');
  const named = `the trust file ${printable(path)}`;
  return { issuer, replyKeys, identity, authorizationServers: tokenEndpoints(authorizationServers, named) };
}

function readMembers(text: string, path: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw untrusted(path, 'is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw untrusted(path, 'is no JSON object');
  return value as Record<string, unknown>;
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

/** Returns the error of a trust file that `why` speaks against. */
export function untrusted(path: string, why: string, cause?: unknown): TallystickError {
  return new TallystickError('config_invalid', `the trust file ${printable(path)} ${why}`, {
    remedy: 'write it with "tallystick issuer trust", as a user whom this process cannot be',
    cause,
  });
}
