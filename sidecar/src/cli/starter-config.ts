import type { Environment } from '../config/environment.ts';

/** What a first configuration is made from. */
export interface StarterOptions {
  readonly trustDomain: string;
  readonly places: StarterPlaces;
  /** The user whose processes match the first identity. */
  readonly uid: number;
  readonly nowMs: number;
}

/** Where a first sidecar keeps its state and its sockets. */
export interface StarterPlaces {
  readonly state: string;
  readonly workload: string;
  readonly admin: string;
  /** True where services look for the workload socket by themselves. */
  readonly expected: boolean;
}

const HALF_A_YEAR_MS = 182 * 86_400_000;

/**
 * Returns places that the user can write: the folders of the user where there are such, else those of a system
 * service. Without a folder for sockets, as in a container or after `su`, they lie beside the state.
 */
export function starterPlaces(
  { runtimeFolder, stateFolder }: Pick<Environment, 'runtimeFolder' | 'stateFolder'>,
  uid: number,
): StarterPlaces {
  const own = uid !== 0 && stateFolder !== undefined;
  const run = own ? (runtimeFolder ?? stateFolder) : '/run';
  return {
    state: own ? `${stateFolder}/tallystick` : '/var/lib/tallystick',
    workload: run === stateFolder ? `${run}/tallystick-run/api.sock` : `${run}/tallystick/api.sock`,
    admin: `${run}/tallystick-admin/admin.sock`,
    expected: run !== stateFolder,
  };
}

/** Returns the text of a configuration that works on this machine. */
export function starterConfig({ trustDomain, places, uid, nowMs }: StarterOptions): string {
  const expires = new Date(nowMs + HALF_A_YEAR_MS).toISOString().slice(0, 10);
  return `# The configuration of a Tallystick sidecar. "tallystick check" explains every mistake in it, with its line.
# An editor that knows YAML schemas takes the output of "tallystick schema".
version: 1
trustDomain: ${trustDomain}

# Everything that must survive a restart, the signing keys among it. Nobody but the sidecar may read it.
state: ${places.state}

listen:
  # Workloads connect here. The folder of this socket is what a container gets mounted.
  workload: unix://${places.workload}
  # Operators connect here. Never mount this folder into a workload.
  admin: ${places.admin}
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
