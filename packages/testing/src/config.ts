import { parseSpiffeId } from '@tallystick/core';

/** An identity of a test. What is absent has a value that does not matter to it. */
export interface TestIdentity {
  /** SPIFFE ID. */
  readonly id: string;
  /** Names of credentials. */
  readonly entitlements?: readonly (string | { readonly credential: string; readonly scope?: string })[];
  readonly owner?: string;
  readonly environment?: string;
  readonly businessProcesses?: readonly string[];
  readonly revocable?: 'exp' | 'prompt';
  /** Audiences that this identity is the API of. */
  readonly receives?: readonly string[];
  /** `YYYY-MM-DD`. */
  readonly expires?: string;
}

/** A credential of a test, as under `credentials` of `tallystick.yaml`; its provider is the embedded issuer. */
export interface TestCredential {
  /** Absolute URI. */
  readonly audience: string;
  readonly scope?: string;
  /** Such as `15m`, the default. */
  readonly lifetime?: string;
  /** URL prefixes that it may be sent to. */
  readonly use?: readonly string[];
  readonly attribution?: 'identity' | 'process' | 'run';
}

/** What a test's sidecar knows. */
export interface TestConfig {
  readonly identities: readonly TestIdentity[];
  readonly credentials: Readonly<Record<string, TestCredential>>;
}

/** Name of the workload socket. */
export const SOCKET = 'test';

/**
 * Returns the whole configuration of a sidecar for a test, as its YAML file would give it. Every identity matches
 * this process.
 *
 * @param folder Where sockets and state go.
 * @param nowMs By which identities expire in a year.
 */
export function completeConfig({ identities, credentials }: TestConfig, folder: string, nowMs: number): unknown {
  const trustDomain = identities[0] ? parseSpiffeId(identities[0].id).trustDomain : 'test.example';
  return {
    version: 1,
    trustDomain,
    state: `${folder}/state`,
    listen: { workload: [{ name: SOCKET, path: `${folder}/app/api.sock` }], admin: `${folder}/admin/admin.sock` },
    issuer: { url: `https://tallystick.${trustDomain}`, signer: 'local' },
    identities: identities.map((identity) => ({
      owner: 'team-test',
      purpose: 'a test',
      environment: 'test',
      expires: new Date(nowMs + 365 * 86_400_000).toISOString().slice(0, 10),
      match: [`tallystick:socket:${SOCKET}`],
      ...identity,
    })),
    credentials: Object.fromEntries(
      Object.entries(credentials).map(([name, credential]) => [name, { provider: 'issuer', ...credential }]),
    ),
  };
}
