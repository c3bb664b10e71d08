/** A selector that an identity may match on: what kind of fact it is, and which. */
export interface Selector {
  readonly kind: 'uid' | 'gid' | 'path' | 'socket';
  readonly value: string;
}

/** The grammar of selectors, in SPIRE's vocabulary. */
export const SELECTOR_PATTERN =
  /^(unix:(uid|gid):(0|[1-9][0-9]{0,9})|unix:path:\/[^\p{Cc}\p{Cs}]*|tallystick:socket:[a-z0-9][a-z0-9._-]{0,62})$/u;

/** (uid_t)-1 means "no user" to the kernel. */
const MAX_ID = 4_294_967_294;

/** Returns the selector that a text which {@link SELECTOR_PATTERN} accepts stands for, or what is wrong with it. */
export function parseSelector(text: string): Selector | string {
  const [source, kind, ...rest] = text.split(':');
  const value = rest.join(':');
  if (source === 'tallystick') return { kind: 'socket', value };
  if (kind === 'path') return pathFault(value) ?? { kind, value };
  if (Number(value) > MAX_ID) return `an id is at most ${MAX_ID}`;
  return { kind: kind === 'gid' ? 'gid' : 'uid', value };
}

/** The kernel names executables by their one normal path: any other would never match. */
function pathFault(path: string): string | undefined {
  if (path.endsWith('/')) return 'it names a folder';
  return /\/(\.{0,2})\//.test(path) || /\/\.{1,2}$/.test(path) ? 'it has an empty or relative path segment' : undefined;
}
