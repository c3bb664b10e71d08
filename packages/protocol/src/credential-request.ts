import { TallystickError, type CredentialType } from '@tallystick/core';
import { formatContext, parseContext, type ClaimedProcess } from './context.ts';
import { MAX_LOG_HEAD_LENGTH } from './log-head.ts';
import { readP256Key, type P256Key } from './p256-key.ts';
import { fault, readJson, readObject, readOptionalText, readText, type Members } from './read.ts';

/** A request to `POST /v1/credentials/{name}`. Its proof binds the bytes of the body (`bth`). */
export interface CredentialRequest {
  /** What the workload takes the credential for. One that is not of this type is refused. */
  readonly type: string;
  /** The one-time key that the answer is sealed to. */
  readonly sealTo: P256Key;
  readonly context: ClaimedProcess | undefined;
  /** The newest signed head of the sidecar's log that the workload was shown. */
  readonly logHead: string | undefined;
  /** For `x509`: base64 of the DER of a PKCS#10 request, by the key that the certificate is for. */
  readonly csr: string | undefined;
  /** For `ssh`: the public key as one OpenSSH line without a comment. */
  readonly publicKey: string | undefined;
  /** For a token of another authorization server: a proof by the workload's key for that server. */
  readonly upstreamProof: UpstreamProof | undefined;
}

/** The answer to an {@link UpstreamProofAsk}. */
export interface UpstreamProof {
  /** As in the ask, unchanged. */
  readonly challenge: string;
  /** A DPoP proof for the authorization server's token endpoint (RFC 9449 §4.2). */
  readonly proof: string;
}

/** What a 400 `upstream_proof_required` asks a proof for, under `upstream_proof`. */
export interface UpstreamProofAsk {
  readonly htm: 'POST';
  /** The token endpoint. */
  readonly htu: string;
  /** The newest nonce of that server. */
  readonly nonce: string | undefined;
  readonly challenge: string;
}

/** The most characters of each member. */
const MAX_LENGTH = { csr: 8192, publicKey: 1024, challenge: 1024, proof: 8192, type: 64 } as const;
const WHAT = 'credential request';

/** Returns the JSON body of a credential request. */
export function formatCredentialRequest(request: {
  type: CredentialType;
  sealTo: P256Key;
  process?: { id: string; run?: string | undefined; ticket?: string | undefined } | undefined;
  logHead?: string | undefined;
  csr?: string | undefined;
  publicKey?: string | undefined;
  upstreamProof?: UpstreamProof | undefined;
}): string {
  return JSON.stringify({
    type: request.type,
    seal_to: request.sealTo,
    context: request.process && formatContext(request.process),
    log_head: request.logHead,
    csr: request.csr,
    public_key: request.publicKey,
    upstream_proof: request.upstreamProof,
  });
}

/**
 * Reads the body of a credential request. Unknown members are ignored.
 *
 * @throws {TallystickError} `invalid_request`
 */
export function parseCredentialRequest(body: string): CredentialRequest {
  try {
    return readRequest(body);
  } catch (error) {
    throw TallystickError.is(error) ? new TallystickError('invalid_request', error.description) : error;
  }
}

function readRequest(body: string): CredentialRequest {
  const members = readJson(body, WHAT);
  const context = readOptionalText(members, 'context', WHAT);
  const proof = members.upstream_proof === undefined ? undefined : readObject(members.upstream_proof, WHAT);
  return {
    type: atMost(readText(members, 'type', WHAT), 'type', MAX_LENGTH.type),
    sealTo: readP256Key(members.seal_to, WHAT),
    context: context === undefined ? undefined : parseContext(context),
    logHead: atMost(readOptionalText(members, 'log_head', WHAT), 'log_head', MAX_LOG_HEAD_LENGTH),
    csr: atMost(readOptionalText(members, 'csr', WHAT), 'csr', MAX_LENGTH.csr),
    publicKey: atMost(readOptionalText(members, 'public_key', WHAT), 'public_key', MAX_LENGTH.publicKey),
    upstreamProof: proof && {
      challenge: atMost(readText(proof, 'challenge', WHAT), 'challenge', MAX_LENGTH.challenge),
      proof: atMost(readText(proof, 'proof', WHAT), 'proof', MAX_LENGTH.proof),
    },
  };
}

function atMost<T extends string | undefined>(text: T, name: string, length: number): T {
  if (text !== undefined && text.length > length)
    throw fault(WHAT, `has a "${name}" of more than ${length} characters`);
  return text;
}

/** Returns the members that a 400 `upstream_proof_required` has beside those of every error. */
export function formatUpstreamProofAsk(ask: UpstreamProofAsk): Record<string, unknown> {
  return { upstream_proof: ask };
}

/**
 * Reads what an error answer asks a proof for; undefined where it asks for none.
 *
 * @throws {TallystickError} `protocol_error`
 */
export function parseUpstreamProofAsk(body: string): UpstreamProofAsk | undefined {
  const what = 'ask for an upstream proof';
  const { upstream_proof: given } = readJson(body, what);
  if (given === undefined) return undefined;
  const members = readObject(given, what);
  if (members.htm !== 'POST') throw fault(what, 'is for another method than POST');
  return {
    htm: 'POST',
    htu: readText(members, 'htu', what),
    nonce: readNonce(members, what),
    challenge: atMost(readText(members, 'challenge', what), 'challenge', MAX_LENGTH.challenge),
  };
}

/** RFC 9449 §8.1: what a proof can carry. */
function readNonce(members: Members, what: string): string | undefined {
  const nonce = readOptionalText(members, 'nonce', what);
  if (nonce !== undefined && !NONCE.test(nonce)) throw fault(what, 'has a "nonce" that no proof can carry');
  return nonce;
}

const NONCE = /^[\x21\x23-\x5b\x5d-\x7e]{1,512}$/;
