import type { Environment } from '../config/environment.ts';

/** What a first configuration is made from. */
export interface StarterOptions {
  readonly trustDomain: string;
  readonly environment: Pick<Environment, 'runtimeFolder' | 'stateFolder'>;
  /** The user whose processes match the first identity. */
  readonly uid: number;
  readonly nowMs: number;
}

const HALF_A_YEAR_MS = 182 * 86_400_000;

/**
 * Returns the text of a configuration that works on this machine: in the user's own folders where there are such, else
 * in those of a system service.
 */
export function starterConfig({ trustDomain, environment, uid, nowMs }: StarterOptions): string {
  const { runtimeFolder, stateFolder } = environment;
  const own = uid !== 0 && runtimeFolder !== undefined && stateFolder !== undefined;
  const run = own ? runtimeFolder : '/run';
  const state = own ? `${stateFolder}/tallystick` : '/var/lib/tallystick';
  const expires = new Date(nowMs + HALF_A_YEAR_MS).toISOString().slice(0, 10);
  return `# The configuration of a Tallystick sidecar. "tallystick check" explains every mistake in it, with its line.
# An editor that knows YAML schemas takes the output of "tallystick schema".
version: 1
trustDomain: ${trustDomain}

# Everything that must survive a restart, the signing keys among it. Nobody but the sidecar may read it.
state: ${state}

listen:
  # Workloads connect here. The folder of this socket is what a container gets mounted.
  workload: unix://${run}/tallystick/api.sock
  # Operators connect here. Never mount this folder into a workload.
  admin: ${run}/tallystick-admin/admin.sock
  # APIs on other hosts read keys and revocations here.
  # public: http://127.0.0.1:8480
  # Probes and metrics.
  # health: http://127.0.0.1:8481

issuer:
  # The "iss" of every token. It is a name: nothing has to listen there.
  url: https://tallystick.${trustDomain}

# Who may ask. A workload that matches no identity gets nothing.
identities:
  - id: spiffe://${trustDomain}/demo/service
    # Who answers for it: an id of your directory, never an e-mail address.
    owner: team-demo
    purpose: shows how a service gets its credentials
    environment: development
    # Ids of the business processes it works for.
    businessProcesses: [BP-0001]
    # Its last day. Nothing has a "never" lifetime.
    expires: ${expires}
    # All of these must hold: unix:uid:N, unix:gid:N, unix:path:/PATH, tallystick:socket:NAME.
    # One uid or one socket per service: every Node program has the same executable.
    match: ["unix:uid:${uid}"]
    # Default deny: it gets these credentials and no others.
    entitlements: [demo-api]

credentials:
  demo-api:
    provider: issuer
    # The API that accepts the token. The SDK sends the token to the URLs below "use" and to no others.
    audience: https://demo-api.${trustDomain}
    scope: demo.read
    lifetime: 15m
    use: ["https://demo-api.${trustDomain}/", "http://127.0.0.1:8080/"]
`;
}
