import { TallystickError, type X509Credential } from '@tallystick/core';
import {
  PROMPT_GRACE_MS,
  type EntitledCredential,
  type IdentityDocument,
  type SidecarEvent,
} from '@tallystick/protocol';
import { createAsk, type Ask } from './ask.ts';
import { AuthorizationServers } from './authorization-servers.ts';
import { certificateReplaced, requireBinding } from './certificate-binding.ts';
import { CredentialSource } from './credential-source.ts';
import { EventFeed } from './event-feed.ts';
import { consequencesOf, type Consequence } from './events.ts';
import type { HeldCredential } from './held-credential.ts';
import type { HeldToken, ProvableToken } from './held-token.ts';
import { announceIdentity, claimedProcess, withdrawIdentity } from './observe.ts';
import { outside } from './outside.ts';
import { RecentMap } from './recent-map.ts';
import { isRefusal } from './refusal.ts';
import { ResourceMemory } from './resource-memory.ts';
import type { Runtime } from './runtime.ts';
import type { SidecarClient } from './sidecar-client.ts';
import { UsageReporter } from './usage-reporter.ts';
import { createUseTable, type UseTable } from './use.ts';

/** Over how long a restarted sidecar is asked again for all that is held. */
const ASK_AGAIN_SPREAD_MS = 5000;
/** How many revoked leases are remembered, lest an answer that was on its way brings one back. */
const MAX_REVOKED = 1000;
/** Of how many credentials the keys are remembered, lest the sidecar still has a certificate for one of them. */
const MAX_ASKS = 1000;
/** How long closing waits for the sidecar. */
const LEAVE_MS = 1000;

/**
 * One key and what it holds: one for each thread, socket and identity, shared by all who connected to it. Ends with
 * the last of them.
 */
export class Holder {
  readonly memory: ResourceMemory;
  /** Told of each use of a token. */
  readonly usage: UsageReporter;
  readonly #runtime: Runtime;
  readonly #client: SidecarClient;
  readonly #onEnd: (holder: Holder) => void;
  readonly #feed: EventFeed;
  readonly #servers: AuthorizationServers;
  readonly #sources = new Map<string, CredentialSource>();
  /** What each is asked for by, with its keys: these outlive a source that holds nothing. */
  readonly #asks = new RecentMap<string, Ask>(MAX_ASKS);
  readonly #revoked = new RecentMap<string, true>(MAX_REVOKED);
  #document: IdentityDocument;
  #use: UseTable;
  #epoch: string | undefined;
  /** True once it was given a token: then it has something to account for. */
  #obtained = false;
  #count = 0;
  #closed = false;

  /**
   * @param document The sidecar's answer for `client`.
   * @param onEnd Called when the last who shared it leaves.
   */
  constructor(runtime: Runtime, client: SidecarClient, document: IdentityDocument, onEnd: (holder: Holder) => void) {
    this.#runtime = runtime;
    this.#client = client;
    this.#onEnd = onEnd;
    this.#document = document;
    this.#use = createUseTable(document.credentials);
    this.memory = new ResourceMemory(runtime.clock);
    this.#servers = new AuthorizationServers(runtime.clock);
    this.usage = new UsageReporter({ runtime, send: (report) => client.usage(report) });
    this.#feed = outside(
      () =>
        new EventFeed({
          runtime,
          open: (signal) => client.events(signal),
          onEvent: (event, openedAtMs) => this.#onEvent(event, openedAtMs),
          onLost: (error) => this.#onLost(error),
        }),
    );
    announceIdentity(document);
  }

  get document(): IdentityDocument {
    return this.#document;
  }

  /** Which credential goes where. Changes with the entitlements. */
  get use(): UseTable {
    return this.#use;
  }

  /** Names authorization servers, by their token endpoints, that proofs may be made for. */
  pinServers(endpoints: readonly string[]): void {
    this.#servers.pin(endpoints);
  }

  /** Counts one more who shares it. False when it has ended. */
  join(): boolean {
    if (this.#closed) return false;
    this.#count++;
    return true;
  }

  /** Counts one less; the last one lets go of everything. Resolves when the sidecar knows, or could not be told within a second. */
  async leave(): Promise<void> {
    if (--this.#count > 0) return;
    this.#closed = true;
    this.#onEnd(this);
    this.#feed.close();
    withdrawIdentity(this.#document);
    const leases = [...this.#sources.values()].flatMap(({ held }) => (held ? [held.credential.leaseId] : []));
    for (const source of this.#sources.values()) source.close();
    await Promise.race([this.#tell(leases), this.#runtime.pause(LEAVE_MS)]);
    this.#client.close();
  }

  /** Tells the sidecar how leases were used, and then that they are let go of: it knows them until then. */
  async #tell(leases: readonly string[]): Promise<void> {
    if (this.#obtained) await this.usage.close();
    await Promise.allSettled(leases.map((lease) => this.#client.letGo(lease)));
  }

  /**
   * Returns the source of a credential: one for each, or one for each run where it is attributed to runs, and one for each
   * certificate that its tokens are bound to.
   *
   * @throws {TallystickError} `certificate_required`, `invalid_request`: it is bound otherwise.
   */
  source(entitlement: EntitledCredential, certificate?: X509Credential): CredentialSource {
    requireBinding(entitlement, certificate);
    const { name } = entitlement;
    const process = entitlement.attribution === 'run' ? claimedProcess() : undefined;
    const asked = process?.run === undefined ? name : `${name}\0${process.run}`;
    const key = certificate ? `${asked}\0${certificate.leaseId}` : asked;
    const existing = this.#sources.get(key);
    if (existing) return existing;
    for (const [other, source] of this.#sources) if (source.isIdle) this.#sources.delete(other);
    const ask = this.#asks.get(asked) ?? createAsk(this.#client, this.#servers, this.#runtime.clock);
    this.#asks.set(asked, ask);
    const source = new CredentialSource({
      name,
      boundTo: certificate?.leaseId,
      runtime: this.#runtime,
      ask: async (background) => {
        const claimed = process ?? claimedProcess();
        try {
          return await this.#ask((entitled) => ask(entitled, claimed, certificate), name, background);
        } catch (error) {
          throw certificate ? this.#judgeBound(error, certificate) : error;
        }
      },
      isStale: (askedAtMs) => this.#isStale(askedAtMs),
    });
    if (this.#closed) source.close();
    else this.#sources.set(key, source);
    return source;
  }

  /**
   * Returns the source of an access token, which is one for requests that are proven one by one.
   *
   * @throws {TallystickError} `certificate_required`
   */
  tokens(entitlement: EntitledCredential): CredentialSource<ProvableToken> {
    // What is asked for as a token is held as one; the table of uses has nothing else.
    return this.source(entitlement) as CredentialSource<ProvableToken>;
  }

  /**
   * Returns the source of an access token that is bound to a certificate.
   *
   * @throws {TallystickError} `certificate_required`: that is not the one.
   */
  boundTokens(entitlement: EntitledCredential, certificate: X509Credential | undefined): CredentialSource<HeldToken> {
    return this.source(entitlement, certificate) as CredentialSource<HeldToken>;
  }

  /** Lets go of one lease. */
  async release(leaseId: string): Promise<void> {
    this.#take([leaseId], (source) => source.drop('released'));
    this.usage.flush();
    await this.#client.letGo(leaseId);
  }

  async #ask(
    ask: (entitled: EntitledCredential) => Promise<HeldCredential>,
    name: string,
    background: boolean,
  ): Promise<HeldCredential> {
    const work = (): Promise<HeldCredential> => ask(this.#use.named(name));
    const held = await (background ? outside(work) : work());
    const { leaseId } = held.credential;
    this.#obtained = true;
    if (this.#revoked.has(leaseId)) {
      throw new TallystickError('credential_revoked', `the sidecar gave the lease ${leaseId}, which it had revoked`);
    }
    this.#feed.hurry();
    return held;
  }

  /** A sidecar that does not know the certificate of a token any more is asked for another one. */
  #judgeBound(error: unknown, certificate: X509Credential): unknown {
    if (!TallystickError.is(error) || error.code !== 'lease_unknown') return error;
    this.#take([certificate.leaseId], (source) => source.refresh());
    return certificateReplaced(certificate, error);
  }

  /** Nothing cached is used without word from the sidecar for a minute, where revocation is to be prompt. */
  #isStale(askedAtMs: number): boolean {
    if (this.#document.revocable !== 'prompt') return false;
    return this.#runtime.clock.monotonicMs() - Math.max(askedAtMs, this.#feed.heardAtMs) > PROMPT_GRACE_MS;
  }

  #onEvent(event: SidecarEvent, openedAtMs: number): void {
    const leases = [...this.#sources.values()].flatMap(({ held }) =>
      held ? [{ id: held.credential.leaseId, settled: held.askedAtMs < openedAtMs }] : [],
    );
    const consequences = consequencesOf(event, { epoch: this.#epoch, leases });
    if (event.type === 'snapshot') {
      if (event.epoch !== this.#epoch) this.usage.resume();
      this.#epoch = event.epoch;
    }
    for (const consequence of consequences) this.#apply(consequence);
  }

  #apply(consequence: Consequence): void {
    switch (consequence.kind) {
      case 'revoke':
        for (const lease of consequence.leases) this.#revoked.set(lease, true);
        this.#take(consequence.leases, (source, lease) =>
          source.revoke(new TallystickError('credential_revoked', `the lease ${lease} was revoked`)),
        );
        this.usage.flush();
        break;
      case 'revoke-all':
        this.#revokeAll(
          new TallystickError(`identity_${consequence.state}`, `${this.#document.id} is ${consequence.state}`),
        );
        break;
      case 'replace':
        this.#take(consequence.leases, (source) => source.refresh());
        break;
      case 'ask-again':
        for (const source of this.#sources.values()) this.#askAgain(source);
        break;
      case 'read-identity':
        void this.#readIdentity();
        break;
      case 'forgive':
        for (const source of this.#sources.values()) source.forgive();
        break;
    }
  }

  #askAgain(source: CredentialSource): void {
    // A sidecar that was restarted knows no certificate of before: its tokens end with it.
    if (!source.held || source.boundTo !== undefined) return;
    const { timers, random } = this.#runtime;
    timers.after(random.uniform() * ASK_AGAIN_SPREAD_MS, () => source.refresh());
  }

  #take(leases: readonly string[], action: (source: CredentialSource, lease: string) => void): void {
    for (const source of this.#sources.values()) {
      const lease = source.held?.credential.leaseId;
      if (lease !== undefined && leases.includes(lease)) action(source, lease);
    }
  }

  #revokeAll(error: TallystickError): void {
    for (const source of this.#sources.values()) source.revoke(error);
    this.usage.flush();
  }

  #onLost(error: TallystickError): void {
    if (isRefusal(error)) this.#revokeAll(error);
  }

  async #readIdentity(): Promise<void> {
    try {
      this.#adopt(await this.#client.identity());
    } catch (error) {
      if (TallystickError.is(error) && isRefusal(error)) this.#revokeAll(error);
      // Otherwise what was known stands: the sidecar decides with every token anyway.
    }
  }

  #adopt(document: IdentityDocument): void {
    const before = this.#document.credentials;
    this.#document = document;
    this.#use = createUseTable(document.credentials);
    announceIdentity(document);
    for (const [key, source] of this.#sources) {
      const then = before.find(({ name }) => name === source.name);
      const now = document.credentials.find(({ name }) => name === source.name);
      if (!now) source.revoke(new TallystickError('not_entitled', `"${source.name}" was taken from the entitlements`));
      else if (now.type !== then?.type) {
        // Whoever asks for it next gets a source of the new type.
        this.#sources.delete(key);
        source.revoke(new TallystickError('credential_type_mismatch', `"${source.name}" is of type "${now.type}" now`));
      } else if (now.certificate !== then.certificate) {
        this.#sources.delete(key);
        const to = now.certificate === undefined ? 'no certificate' : `the certificate "${now.certificate}"`;
        source.revoke(new TallystickError('certificate_required', `"${source.name}" is bound to ${to} now`));
      } else if (now.audience !== then?.audience || now.scope !== then?.scope) source.drop('changed');
    }
  }
}
