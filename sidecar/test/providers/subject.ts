import type { ErrorCode } from '@tallystick/core';
import type { Applicant, Made, ProviderContext, ProviderKind } from '../../src/providers/provider.ts';
import type { ContractCase } from './contract-row.ts';
import type { ProxiedRequest } from './fault-proxy.ts';

/** One credential of one provider, as the contract holds it to its rules. */
export interface Subject {
  /** Its row of the table: "vault, database". */
  readonly title: string;
  // What a credential is differs from kind to kind, and the contract only hands it through.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly kind: ProviderKind<any, any>;
  /** Where the server is, which must speak HTTP without TLS: the weather is made on the way. Asked after `beforeAll`. */
  serverUrl(): string | Promise<string>;
  /** One value of `providers`, for a server that is reached at `url`. */
  settings(url: string): Readonly<Record<string, unknown>> | Promise<Readonly<Record<string, unknown>>>;
  /** One value of `credentials`, without `provider`. */
  readonly credential: Readonly<Record<string, unknown>>;
  /** Signs as the sidecar's own keys do. Absent where the provider needs none. */
  readonly sign?: ProviderContext['sign'];
  /** What a workload sends along. */
  applicant?(): Partial<Applicant> | Promise<Partial<Applicant>>;
  /** True for the request that makes the credential. */
  makes(request: ProxiedRequest): boolean;
  /** True for a request that signs in. Absent where there is no session. */
  signsIn?(request: ProxiedRequest): boolean;
  /** Takes the right to it from the sidecar, and returns what gives it back. */
  deny(): Promise<() => Promise<void>>;
  /** Default `upstream_denied`. */
  readonly deniedAs?: ErrorCode;
  /** True when the upstream's own records name the lease. */
  namesLease?(leaseId: string, made: Made): Promise<boolean>;
  /** True when it is accepted where it is for. */
  accepted?(made: Made): Promise<boolean>;
  /** What the sidecar signs in with. */
  secrets(): readonly string[] | Promise<readonly string[]>;
  /** Cases that there cannot be, each with its reason. */
  readonly cannot: Partial<Readonly<Record<ContractCase, string>>>;
}
