/** What the load program is asked to do. */
export type Command = BurstCommand | SteadyCommand | LeasesCommand | RunsCommand;

/** What the load client asks for. */
export type Wanted =
  /** A token of the sidecar, with a fresh proof; `identity` is needed where several match. */
  | { readonly kind: 'token'; readonly identity?: string | undefined }
  /** A credential of an upstream, with a fresh proof, sealed to a key of the client; `identity` as for a token. */
  | ({ readonly kind: 'credential' } & WantedCredential)
  /** Whatever a path gives to whoever asks. */
  | { readonly kind: 'plain'; readonly path: string };

/** A credential of an upstream, as it is asked for. */
export interface WantedCredential {
  readonly name: string;
  readonly type: 'secret';
  readonly identity?: string | undefined;
  /** The run of the business process that it is for. */
  readonly run?: string | undefined;
}

/** `requests` for the same, from `connections` that each ask anew once they are answered. */
export interface BurstCommand {
  readonly kind: 'burst';
  readonly socket: string;
  readonly connections: number;
  readonly requests: number;
  /** Absent: the token of the only identity that matches. */
  readonly wanted?: Wanted;
}

/** What a burst measured. */
export interface Burst {
  /** From the first request to the last answer. */
  readonly elapsedMs: number;
  /** Of each request, in milliseconds. */
  readonly latencies: Float64Array;
}

/** Requests for the same token at a steady rate, for a while. */
export interface SteadyCommand {
  readonly kind: 'steady';
  readonly socket: string;
  readonly perSecond: number;
  readonly seconds: number;
}

/** As many tokens as `count`, each of a key of its own, spread over `identities`. */
export interface LeasesCommand {
  readonly kind: 'leases';
  readonly socket: string;
  readonly identities: readonly string[];
  readonly count: number;
}

/** A secret of an upstream for as many runs as `count`, each a lease of its own, spread over `identities`. */
export interface RunsCommand {
  readonly kind: 'runs';
  readonly socket: string;
  readonly name: string;
  readonly identities: readonly string[];
  readonly count: number;
}

/** What each command is answered with. */
export interface Answers {
  readonly burst: Burst;
  /** Requests that were answered with a token. */
  readonly steady: number;
  /** Leases that were made. */
  readonly leases: number;
  /** As `leases`. */
  readonly runs: number;
}
