import { isSpiffeId, TallystickError, type CredentialType } from '@tallystick/core';
import { bodyHash, type HolderKey } from '@tallystick/dpop';
import {
  createOneTimeKey,
  formatCredentialRequest,
  formatTokenRequest,
  formatUsageReport,
  parseIdentityDocument,
  parseTokenResponse,
  parseUsageReceipt,
  ROUTES,
  type IdentityDocument,
  type TokenResponse,
  type UpstreamProof,
  type UsageReceipt,
  type UsageReport,
} from '@tallystick/protocol';
import { UPSTREAM_DEADLINE_MS } from './deadline.ts';
import { LogHeads } from './log-heads.ts';
import type { ClaimedProcess } from './observe.ts';
import { openReply, type ReplyOf } from './open-reply.ts';
import { ProvenLink, type Call } from './proven-link.ts';
import type { Runtime } from './runtime.ts';
import type { SidecarTrust } from './trust-file.ts';

/** What a token is asked for. */
export interface TokenAsk {
  readonly audience: string | undefined;
  readonly scope: string | undefined;
  readonly process: ClaimedProcess | undefined;
  /** Lease id of the certificate that it is to be bound to. */
  readonly certificate?: string | undefined;
  /** Trace context for the sidecar. */
  readonly headers: Readonly<Record<string, string>>;
}

/** What a credential is asked for. */
export interface CredentialAsk<K extends CredentialType> extends Omit<TokenAsk, 'audience' | 'scope' | 'certificate'> {
  readonly name: string;
  readonly type: K;
  /** Of the key that a certificate is for. */
  readonly csr?: string | undefined;
  readonly publicKey?: string | undefined;
  readonly upstreamProof?: UpstreamProof | undefined;
}

/** Speaks to one sidecar with one key, for one identity once it is known. Holds no credential. */
export class SidecarClient {
  readonly key: HolderKey;
  readonly socketPath: string;
  readonly #link: ProvenLink;
  readonly #heads = new LogHeads();
  readonly #trust: SidecarTrust | undefined;

  /**
   * @param identity The one that was asked for. Undefined: the only one that the sidecar knows this workload by.
   * @param trust Says who the sidecar is. Undefined: whoever answers on the socket.
   */
  constructor(
    runtime: Runtime,
    socketPath: string,
    key: HolderKey,
    identity: string | undefined,
    trust?: SidecarTrust,
  ) {
    this.socketPath = socketPath;
    this.key = key;
    this.#trust = trust;
    this.#link = new ProvenLink({ runtime, socketPath, key, trustedIssuer: trust?.issuer });
    this.#link.identity = identity;
  }

  /**
   * Asks who this workload is. The answer pins the identity for all that follows.
   *
   * @throws {TallystickError} `identity_mismatch`: the sidecar named another than was asked for.
   */
  async identity(): Promise<IdentityDocument> {
    const document = parseIdentityDocument(await this.#ask({ method: 'GET', path: ROUTES.identity }));
    if (!isSpiffeId(document.id))
      throw new TallystickError('protocol_error', 'the sidecar named an identity that is no SPIFFE ID');
    const { identity } = this.#link;
    if (identity !== undefined && document.id !== identity) {
      throw new TallystickError('identity_mismatch', `the sidecar answered for ${document.id}, not for ${identity}`);
    }
    this.#link.identity = document.id;
    return document;
  }

  /** The identity that the sidecar has named. */
  get identityId(): string {
    const { identity } = this.#link;
    if (identity === undefined) throw new TypeError('the sidecar has named no identity yet');
    return identity;
  }

  /** Asks for an access token bound to the key, or to a certificate. */
  async token({ audience, scope, process, certificate, headers }: TokenAsk): Promise<TokenResponse> {
    const logHead = this.#heads.newest;
    const { identity: clientId } = this.#link;
    const body = formatTokenRequest({ clientId, resource: audience, scope, process, certificate, logHead });
    const answer = await this.#ask({
      method: 'POST',
      path: ROUTES.token,
      body,
      headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
    });
    const response = parseTokenResponse(answer, certificate === undefined ? 'DPoP' : 'Bearer');
    this.#heads.learn(response.logHead);
    return response;
  }

  /**
   * Asks for a credential that is sealed to a key of this one request.
   *
   * @throws {UpstreamProofAsked} It takes a proof for another authorization server.
   */
  async credential<K extends CredentialType>(ask: CredentialAsk<K>): Promise<ReplyOf<K>> {
    const { name, type, headers, ...request } = ask;
    const oneTimeKey = createOneTimeKey();
    const body = formatCredentialRequest({ ...request, type, sealTo: oneTimeKey.jwk, logHead: this.#heads.newest });
    const call: Call = {
      method: 'POST',
      path: ROUTES.credentials + encodeURIComponent(name),
      body,
      headers: { ...headers, 'content-type': 'application/json' },
      deadlineMs: UPSTREAM_DEADLINE_MS,
    };
    const { text, proof } = await this.#link.exchange(call);
    const reply = openReply(text, {
      oneTimeKey,
      isReplyKey: this.#trust?.isReplyKey,
      issuer: this.#link.issuer,
      identity: this.identityId,
      jkt: this.key.jkt,
      request: jtiOf(proof),
      bth: bodyHash(body),
      name,
      type,
    });
    this.#heads.learn(reply.logHead);
    return reply;
  }

  /** Reports what was done with leases; resolves when that is on record. */
  async usage(report: Omit<UsageReport, 'logHead'>): Promise<UsageReceipt> {
    const body = formatUsageReport({ ...report, logHead: this.#heads.newest });
    const headers = { 'content-type': 'application/json' };
    const receipt = parseUsageReceipt(await this.#ask({ method: 'POST', path: ROUTES.usage, body, headers }));
    this.#heads.learn(receipt.logHead);
    return receipt;
  }

  /** Lets go of a lease. One that has already ended is let go of. */
  async letGo(leaseId: string): Promise<void> {
    try {
      await this.#ask({ method: 'DELETE', path: ROUTES.leases + encodeURIComponent(leaseId) });
    } catch (error) {
      if (!TallystickError.is(error) || error.code !== 'lease_unknown') throw error;
    }
  }

  /** Opens the event stream; resolves with its text as it comes, until `signal` aborts. */
  async events(signal: AbortSignal): Promise<AsyncIterable<string>> {
    const call: Call = { method: 'GET', path: ROUTES.events, headers: { accept: 'text/event-stream' } };
    return (await this.#link.open(call, signal)).chunks();
  }

  /** Ends all that is under way. */
  close(): void {
    this.#link.close();
  }

  async #ask(call: Call): Promise<string> {
    return (await this.#link.exchange(call)).text;
  }
}

/** Returns the `jti` of a proof of ours. */
function jtiOf(proof: string): string {
  const claims = Buffer.from(proof.split('.')[1]!, 'base64url').toString();
  return (JSON.parse(claims) as { jti: string }).jti;
}
