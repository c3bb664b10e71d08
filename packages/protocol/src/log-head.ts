/** What a signed head of the sidecar's log says of itself (C2SP tlog-checkpoint), its signature not verified. */
export interface LogHead {
  /** Which log it is of. */
  readonly origin: string;
  /** How many records that log has. */
  readonly size: number;
}

/** The longest head that is told or shown again, in characters. */
export const MAX_LOG_HEAD_LENGTH = 2048;

/**
 * Returns which log a signed head is of, and how long that log is; undefined for any other text. A workload knows no
 * key of the log: it keeps the head to show it again, and whose it is the sidecar judges.
 */
export function readLogHead(text: string): LogHead | undefined {
  if (text.length > MAX_LOG_HEAD_LENGTH) return undefined;
  const { origin, size } = HEAD.exec(text)?.groups ?? {};
  if (origin === undefined || !Number.isSafeInteger(Number(size))) return undefined;
  return { origin, size: Number(size) };
}

// Origin, size, root; then, after an empty line, signatures. Other lines between are another log's.
const HEAD =
  /^(?<origin>[^\s+]+)\n(?<size>0|[1-9]\d{0,15})\n[A-Za-z0-9+/]{43}=\n\n(?:— [^\s+]+ [A-Za-z0-9+/]+={0,2}\n)+$/;
