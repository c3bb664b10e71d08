/** The other end of a workload or admin connection, as the kernel recorded it when it connected. */
export interface Peer {
  /** Name of the workload socket it came in by; `admin` for the admin socket. */
  readonly socket: string;
  readonly uid: number;
  readonly gid: number;
  /** 0 when the kernel cannot name it: another PID namespace. */
  readonly pid: number;
  /** Path of its executable, where the kernel shows it. */
  readonly executable: string | undefined;
  /** False once the process that connected has ended. True when that cannot be known. */
  isAlive(): boolean;
}
