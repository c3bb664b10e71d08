import type { Canary } from './leaks.ts';
import type { Exchange } from './recording-proxy.ts';

/** Members of requests and answers that are no secrets, and whatever is in them. Each that is not here is one. */
const PUBLIC = new Set(
  [
    // Of Vault: handles, names, times, and what everybody may see of a certificate.
    ['request_id', 'lease_id', 'accessor', 'entity_id', 'display_name', 'meta', 'metadata', 'username'],
    ['policies', 'token_policies', 'identity_policies', 'path', 'creation_statements', 'errors', 'warnings'],
    ['certificate', 'issuing_ca', 'ca_chain', 'serial_number', 'signed_key', 'mount_type', 'token_type', 'hash'],
    ['issue_time', 'expire_time', 'uuid', 'running_plugin_version'],
    ['csr', 'public_key', 'uri_sans', 'alt_names', 'common_name', 'role', 'paths', 'input'],
    // Of OAuth: what is asked for, and what the server says of itself.
    ['grant_type', 'client_id', 'client_assertion_type', 'resource', 'scope', 'error', 'error_description'],
    // Of AWS: the names of sessions.
    ['Action', 'Version', 'RoleArn', 'RoleSessionName', 'SourceIdentity', 'Arn', 'AssumedRoleId', 'AccessKeyId'],
    ['SubjectFromWebIdentityToken', 'Provider', 'Audience', 'RequestId', 'Expiration', 'Policy', 'Message'],
  ].flat(),
);
const JWT = /^[\w-]+\.[\w-]+\.([\w-]+)$/;
/** What is shorter can be guessed, and is in places by chance. */
const LEAST_BYTES = 16;

/** Returns the part of a text that grants something: of a JWT its signature, without which it is no token. */
export function secretPart(text: string): Buffer {
  return Buffer.from(JWT.exec(text)?.[1] ?? text);
}

/** Returns every secret in what a sidecar sent to an upstream and was answered. */
export function secretsPassed(who: string, { path, headers, body, answer }: Exchange): Canary[] {
  if (path.includes('.well-known')) return [];
  const found: [name: string, text: string][] = [
    ...['x-vault-token', 'dpop'].map((name): [string, string] => [name, String(headers[name] ?? '')]),
    ...authorizationOf(headers.authorization).map((text): [string, string] => ['authorization', text]),
    ...members(body),
    ...members(answer.body),
  ];
  return found
    .map(([name, text]) => ({ name: `${who}: ${name}`, bytes: secretPart(text) }))
    .filter(({ bytes }) => bytes.length >= LEAST_BYTES);
}

/** The client secret in basic authentication is encoded as in a form (RFC 6749 §2.3.1). */
function authorizationOf(header = ''): string[] {
  const [scheme, value = ''] = header.split(' ');
  if (scheme !== 'Basic') return [value];
  const [, secret = ''] = Buffer.from(value, 'base64').toString().split(':');
  return [value, secret, new URLSearchParams(`secret=${secret}`).get('secret')!];
}

/** Returns the texts in JSON, in XML, or in a form, by the names that they have there. */
function members(text: string): [name: string, text: string][] {
  if (text.startsWith('{')) return textsOf('', JSON.parse(text));
  const pairs = text.startsWith('<')
    ? [...text.matchAll(/<(\w+)>([^<]+)<\//g)].map(([, name, value]): [string, string] => [name!, value!])
    : [...new URLSearchParams(text)];
  return pairs.filter(([name]) => !PUBLIC.has(name));
}

function textsOf(name: string, value: unknown): [name: string, text: string][] {
  if (typeof value === 'string') return [[name, value]];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value)
    .filter(([member]) => !PUBLIC.has(member))
    .flatMap(([member, inner]) => textsOf(Array.isArray(value) ? name : member, inner));
}
