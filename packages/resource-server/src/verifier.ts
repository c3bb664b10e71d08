import { createNonceSource, type NonceSource } from '@tallystick/dpop';
import type { AccessToken } from './access-token.ts';
import type { Caller } from './caller.ts';
import { publishRefused } from './channels.ts';
import { readCredentials, type PresentedToken } from './credentials.ts';
import { Fault, faultOf } from './fault.ts';
import { openIssuer } from './issuer.ts';
import { observeCaller, observeRefusal } from './observe.ts';
import { parseOptions, type VerifierOptions, type VerifierSettings } from './options.ts';
import { createProofCheck } from './proof-check.ts';
import { originsNamed, targetOf, type Target } from './public-origin.ts';
import type { Refusal } from './refusal.ts';
import { createRefuse } from './refuse.ts';
import { receiptFileAt } from './receipt-file.ts';
import { openReceipts, type Receipts } from './receipts.ts';
import { methodName } from './receipt-tally.ts';
import { createReplayGuard, REPLICA_SKEW_MS } from './replay-guard.ts';
import { readRequest, type IncomingRequest } from './request-facts.ts';
import { isMetadataPath, mayAskForMetadata, resourceMetadata, type ResourceMetadata } from './resource-metadata.ts';
import { createTokenCheck } from './token-check.ts';

/** Accepts or refuses the requests of one API. */
export interface Verifier {
  /**
   * Resolves to the caller of a request whose token and proof are good. The body is not read.
   *
   * @throws {Refusal} With the answer to give. Nothing else is thrown.
   */
  verify(request: IncomingRequest): Promise<Caller>;
  /**
   * Refuses a caller that lacks one of `scopes` (RFC 6750 §3.1).
   *
   * @param request The caller's, so that the challenge names the right metadata. Default: that of the first public
   * origin.
   * @throws {Refusal} `insufficient_scope`
   */
  requireScope(caller: Caller, scopes: readonly string[], request?: IncomingRequest): void;
  /** Returns the metadata of this resource for a GET of its well-known path (RFC 9728 §3), else undefined. */
  metadata(request: IncomingRequest): ResourceMetadata | undefined;
  /** Returns the `DPoP-Nonce` to give with every answer (RFC 9449 §8.2), undefined without a `nonceSecret`. */
  nonce(): string | undefined;
  /** Stops reading revocation lists, and resolves when the receipts so far are written, or cannot be. */
  close(): Promise<void>;
  /** Closes, and does not wait for receipts. */
  [Symbol.dispose](): void;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Returns a verifier of DPoP-bound access tokens: RFC 9068 §4 for the token, RFC 9449 §4.3 and §7 for the proof, each
 * proof once. Keys are read at the first request, revocation lists from now on.
 *
 * @throws {TallystickError} `verifier_misconfigured`
 */
export function createVerifier(options: VerifierOptions): Verifier {
  const settings = parseOptions(options);
  const { audiences, publicOrigins, clock, acceptsBearer, certificateOf } = settings;
  const takesBearer = acceptsBearer || certificateOf !== undefined;
  const issuers = new Map(settings.issuers.map((issuer) => [issuer.issuer, openIssuer(issuer, settings)]));
  const nonces = openNonces(settings);
  const receipts = receiptsOf(settings);
  const refuse = createRefuse(takesBearer ? ['DPoP', 'Bearer'] : ['DPoP'], nonces);
  const tokens = createTokenCheck({
    issuers,
    audiences,
    clock,
    futureSeconds: settings.proofWindow.futureSeconds,
    maxCachedTokens: settings.maxCachedTokens,
  });
  const proofs = createProofCheck({
    window: settings.proofWindow,
    nonces,
    clock,
    guard: openGuard(settings, nonces),
  });

  function requireBinding({ scheme }: PresentedToken, { caller }: AccessToken): string | undefined {
    if (scheme === 'DPoP' && caller.jkt === undefined) {
      throw new Fault('token_unbound', 'the token is not bound to a key');
    }
    if (scheme === 'Bearer' && caller.jkt !== undefined) {
      throw new Fault('bound_as_bearer', 'the token is bound to a key, and must be shown as DPoP with a proof');
    }
    if (caller.binding === 'none' && !acceptsBearer) {
      throw new Fault('bearer', 'the token is bound to nothing, and is good for whoever has it');
    }
    return caller.jkt;
  }

  function requireScheme({ scheme }: PresentedToken, dpop: readonly string[]): void {
    if (scheme === 'DPoP') return;
    if (!takesBearer) throw new Fault('bearer', 'the token is shown as Bearer, and only DPoP is accepted');
    if (dpop.length > 0) throw new Fault('bearer_with_proof', 'the token is shown as Bearer, with a proof');
  }

  /** RFC 8705 §3. */
  function requireCertificate({ caller: { x5t } }: AccessToken, request: IncomingRequest): void {
    if (x5t === undefined) return;
    const shown = certificateOf?.(request);
    if (shown === x5t) return;
    const how = shown === undefined ? 'none came with the request' : 'another came with the request';
    throw new Fault('certificate', `the token is bound to a certificate, and ${how}`);
  }

  function refused(error: unknown, startedMs: number, { method, target, presented, token }: Attempt): unknown {
    const fault = faultOf(error);
    if (!fault) return error;
    const refusal: Refusal = refuse(fault, { origin: target?.origin, scheme: presented?.scheme });
    observeRefusal(refusal, token?.caller, clock.monotonicMs() - startedMs);
    receipts?.add({ token, method: methodName(method), origin: target?.origin.origin, reason: fault.reason });
    publishRefused(refusal);
    return refusal;
  }

  const close = async (): Promise<void> => {
    for (const { revocations } of issuers.values()) revocations?.close();
    await receipts?.close();
  };

  return {
    async verify(request) {
      const startedMs = clock.monotonicMs();
      const facts = readRequest(request);
      let target: Target | undefined;
      let presented: PresentedToken | undefined;
      let token: AccessToken | undefined;
      try {
        target = targetOf(publicOrigins, facts);
        presented = readCredentials(facts.authorization);
        requireScheme(presented, facts.dpop);
        // A promise only where something had to be asked: a token seen before costs no turn of the queue.
        const opened = tokens.open(presented);
        const vouched = opened instanceof Promise ? await opened : opened;
        ({ token } = vouched);
        const standing = tokens.judge(vouched, presented.text);
        if (standing) await standing;
        const jkt = requireBinding(presented, token);
        requireCertificate(token, request);
        if (jkt !== undefined) {
          const { method } = facts;
          const passing = proofs.check(facts.dpop, { method, url: target.url, ath: presented.hash, jkt });
          if (passing) await passing;
        }
        observeCaller(token.caller, clock.monotonicMs() - startedMs);
        receipts?.add({
          token,
          method: methodName(facts.method),
          origin: target.origin.origin,
          reason: undefined,
        });
        return token.caller;
      } catch (error) {
        throw refused(error, startedMs, { method: facts.method, target, presented, token });
      }
    },
    requireScope(caller, scopes, request) {
      if (scopes.every((scope) => caller.scopes.includes(scope))) return;
      const origin = request ? originsNamed(publicOrigins, readRequest(request))[0] : publicOrigins[0];
      const fault = new Fault('scope', 'the token has too little scope');
      const refusal = refuse(fault, { origin, scheme: caller.jkt === undefined ? 'Bearer' : 'DPoP', scope: scopes });
      publishRefused(refusal);
      throw refusal;
    },
    metadata(request) {
      if (!mayAskForMetadata(request)) return undefined;
      const facts = readRequest(request);
      const origin = originsNamed(publicOrigins, facts).find((named) => isMetadataPath(named, facts.path));
      return (
        origin &&
        resourceMetadata(origin, {
          issuers: [...issuers.keys()],
          audiences,
          scopes: settings.scopesSupported,
          acceptsBearer: takesBearer,
          acceptsCertificates: certificateOf !== undefined,
        })
      );
    },
    nonce: () => nonces?.current(),
    close,
    [Symbol.dispose]: () => void close(),
    [Symbol.asyncDispose]: close,
  };
}

/** How far a request got. */
interface Attempt {
  readonly method: string;
  readonly target: Target | undefined;
  readonly presented: PresentedToken | undefined;
  /** Present once its signature was found good. */
  readonly token: AccessToken | undefined;
}

function receiptsOf(settings: VerifierSettings): Receipts | undefined {
  const { receipts, audiences, clock, timers, random } = settings;
  return (
    receipts && openReceipts({ ...receipts, openFile: receiptFileAt(receipts.path), audiences, clock, timers, random })
  );
}

function openNonces({ nonceSecret, audiences, clock }: VerifierSettings): NonceSource | undefined {
  if (!nonceSecret) return undefined;
  return createNonceSource({ secret: nonceSecret, realm: `tallystick resource server ${audiences.join(' ')}`, clock });
}

function openGuard(
  { replayStore, timers, proofWindow }: VerifierSettings,
  nonces: NonceSource | undefined,
): ReturnType<typeof createReplayGuard> {
  const { pastSeconds, futureSeconds } = proofWindow;
  const acceptanceMs = nonces?.windowMs ?? (pastSeconds + futureSeconds) * 1000;
  return createReplayGuard({ store: replayStore, timers, acceptanceMs, lifeMs: acceptanceMs + REPLICA_SKEW_MS });
}
