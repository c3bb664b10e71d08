import {
  TallystickError,
  type Credential,
  type CredentialOf,
  type CredentialType,
  type X509Credential,
} from '@tallystick/core';
import type { EntitledCredential } from '@tallystick/protocol';
import { abortable } from './abortable.ts';
import { authorize, type Authorization, type AuthorizeRequest } from './authorize.ts';
import type { CredentialSource } from './credential-source.ts';
import { createFetch, type FetchParts } from './fetch.ts';
import { holdOpen } from './hold-open.ts';
import type { Holder } from './holder.ts';
import { createInterceptor, type Interceptor, type InterceptorOptions } from './interceptor.ts';
import { watchSource } from './watch.ts';

/** A credential that this identity may have. */
export type Entitlement = EntitledCredential;

/**
 * Who this workload is, and what it may do with that.
 *
 * Credentials come from the sidecar at first use, are kept in memory, replaced ahead of their expiry while they are
 * used, and never used after it. Everything may be called concurrently.
 */
export interface Identity extends AsyncDisposable {
  /** SPIFFE ID. */
  readonly id: string;
  /** Id of the team, role or person who answers for it. */
  readonly owner: string;
  readonly environment: string;
  /** What it may have now. Follows the configuration of the sidecar. */
  readonly entitlements: readonly Entitlement[];
  /**
   * The global `fetch`, with a token and a proof. The credential is the one whose `use` prefix is the longest that
   * covers the URL. Bound: may be passed on as a function.
   *
   * Resolves with the API's own answer, 401 and 403 too. Rejects with a TypeError for the network, with the signal's
   * reason, and with a TallystickError for the credential.
   */
  readonly fetch: typeof globalThis.fetch;
  /** Returns a `fetch` as {@link Identity.fetch} that uses one credential. Its `use` prefixes hold nevertheless. */
  fetchWith(name: string): typeof globalThis.fetch;
  /**
   * Returns the headers for one request that another HTTP client sends (axios, got, gRPC). A retry needs new ones.
   *
   * @throws {TallystickError} `url_not_covered`, `not_entitled`, or why there is no token.
   */
  authorize(request: AuthorizeRequest): Promise<Authorization>;
  /**
   * Returns an interceptor for undici 7 and later: `new Agent().compose(identity.interceptor())`. With the `certificate`
   * that the dispatcher's connections show, it is the way of tokens that are bound to that.
   */
  interceptor(options?: InterceptorOptions): Interceptor;
  /**
   * Returns a credential: a frozen snapshot of the one that is good now.
   *
   * @param options `certificate`: what an access token is to be bound to, where its credential is.
   * @throws {TallystickError} `not_entitled`, `credential_type_mismatch`, `certificate_required`, or why there is none.
   */
  credential<K extends CredentialType>(
    name: string,
    type: K,
    options?: { signal?: AbortSignal; certificate?: X509Credential },
  ): Promise<CredentialOf<K>>;
  /**
   * Yields the credential that is good now, then each newer one. Ends on close, throws when it is revoked. Waiting
   * for a newer one does not keep the program alive.
   */
  watch<K extends CredentialType>(
    name: string,
    type: K,
    options?: { signal?: AbortSignal },
  ): AsyncIterable<CredentialOf<K>>;
  /** Lets go of a credential before it expires. The next use asks for another. */
  release(credential: Credential): Promise<void>;
  /**
   * Ends this identity's use. The last one of a thread, socket and identity lets go of all credentials; never rejects.
   * A program need not call it.
   */
  close(): Promise<void>;
}

/** Returns an identity over a holder that was joined for it, and that it leaves on close. */
export function createIdentity(holder: Holder, send: typeof globalThis.fetch): Identity {
  return new WorkloadIdentity(holder, send);
}

class WorkloadIdentity implements Identity {
  readonly fetch: typeof globalThis.fetch;
  readonly #holder: Holder;
  readonly #parts: FetchParts;
  readonly #closed = new AbortController();
  #closing: Promise<void> | undefined;

  constructor(holder: Holder, send: typeof globalThis.fetch) {
    this.#holder = holder;
    this.#parts = { holder, send, requireOpen: () => this.#requireOpen() };
    this.fetch = createFetch(this.#parts);
  }

  get id(): string {
    return this.#holder.document.id;
  }

  get owner(): string {
    return this.#holder.document.owner.id;
  }

  get environment(): string {
    return this.#holder.document.environment;
  }

  get entitlements(): readonly Entitlement[] {
    return this.#holder.document.credentials;
  }

  fetchWith(name: string): typeof globalThis.fetch {
    return createFetch(this.#parts, name);
  }

  async authorize(request: AuthorizeRequest): Promise<Authorization> {
    this.#requireOpen();
    return authorize(this.#holder, request);
  }

  interceptor(options: InterceptorOptions = {}): Interceptor {
    return createInterceptor(this.#holder, () => this.#requireOpen(), options);
  }

  async credential<K extends CredentialType>(
    name: string,
    type: K,
    options?: { signal?: AbortSignal; certificate?: X509Credential },
  ): Promise<CredentialOf<K>> {
    const source = this.#sourceOf(name, type, options?.certificate);
    const held = source.peek() ?? (await abortable(holdOpen(source.obtain()), options?.signal));
    return held.credential as CredentialOf<K>;
  }

  async *watch<K extends CredentialType>(
    name: string,
    type: K,
    options?: { signal?: AbortSignal },
  ): AsyncGenerator<CredentialOf<K>> {
    yield* watchSource(this.#sourceOf(name, type), this.#closed.signal, options?.signal) as AsyncGenerator<
      CredentialOf<K>
    >;
  }

  async release(credential: Credential): Promise<void> {
    this.#requireOpen();
    await holdOpen(this.#holder.release(credential.leaseId));
  }

  close(): Promise<void> {
    this.#closed.abort();
    this.#closing ??= holdOpen(this.#holder.leave());
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #requireOpen(): void {
    if (this.#closed.signal.aborted) throw new TallystickError('identity_closed', `${this.id} was used after close()`);
  }

  #sourceOf(name: string, type: CredentialType, certificate?: X509Credential): CredentialSource {
    this.#requireOpen();
    const entitlement = this.#holder.use.named(name);
    if (entitlement.type !== type) {
      throw new TallystickError(
        'credential_type_mismatch',
        `"${name}" is of type "${entitlement.type}", not "${type}"`,
      );
    }
    return this.#holder.source(entitlement, certificate);
  }
}
