import type { ClaimedProcess, UpstreamProof } from '@tallystick/protocol';
import type { Applicant } from '../providers/provider.ts';

/** What a workload asks for, by whichever route. */
export interface CredentialAsk {
  /** Name of a credential of an upstream; undefined: a token of our own issuer, which (audience, scope) pick. */
  readonly name?: string | undefined;
  /** What it takes that credential for. */
  readonly type?: string | undefined;
  /** A SPIFFE ID, or a label for the record. */
  readonly clientId: string | undefined;
  readonly resource: string | undefined;
  /** Scope values, sorted, each once. Undefined: all that the credential has. */
  readonly scope: readonly string[] | undefined;
  readonly context: ClaimedProcess | undefined;
  /** Lease id of the certificate that a token is to be bound to. */
  readonly certificate?: string | undefined;
  /** The newest signed head of the log that the workload was shown. */
  readonly logHead?: string | undefined;
  /** What it sends along for a credential of its own. */
  readonly applicant?: Omit<Applicant, 'jkt' | 'upstreamProof'> | undefined;
  /** Its answer to the ask for a proof that goes to an authorization server. */
  readonly upstreamProof?: UpstreamProof | undefined;
}
