/** The other end of a workload or admin connection, as the kernel recorded it when it connected. */
export interface Peer {
  /** Name of the workload socket it came in by; `admin` for the admin socket. */
  readonly socket: string;
  /** Effective user at `connect()`, as seen in the sidecar's user namespace. */
  readonly uid: number;
  /** Effective group at `connect()`. */
  readonly gid: number;
  /** 0 when the kernel cannot name it: another PID namespace. */
  readonly pid: number;
  /**
   * True when the process table lists the process under `pid`, vouched for by a pidfd: what `/proc/<pid>` says while
   * {@link isAlive} is then about this process and no later one.
   */
  readonly visible: boolean;
  /** Path of its executable. Undefined unless `visible`, and where the kernel does not show it to the sidecar's user. */
  readonly executable: string | undefined;
  /**
   * False once the process that connected has ended, also after the connection has closed. True when that cannot be
   * known: without a pidfd and in another PID namespace.
   */
  isAlive(): boolean;
}
