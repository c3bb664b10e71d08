/** What the file system says of a file, or of a folder on the way to it. */
export interface TrustFacts {
  readonly path: string;
  readonly uid: number;
  readonly mode: number;
  /** True on a file system that is mounted read-only here: whatever its mode, nobody here writes to it. */
  readonly readOnly: boolean;
}

const OTHERS_WRITE = 0o022;
const STICKY = 0o1000;

/**
 * Returns what speaks against a trust file: that this process's user, or any user but its owner, can write to it or put
 * another in its place. Undefined where nothing does. Root can write anything; for root it counts what others can.
 *
 * @param folders Every folder on the way, without links, the outermost first.
 */
export function judgeTrustFile(file: TrustFacts, folders: readonly TrustFacts[], selfUid: number): string | undefined {
  if (!file.readOnly) {
    if (isOurs(file, selfUid)) return `belongs to the user of this process (uid ${selfUid}), who can write to it`;
    if (file.mode & OTHERS_WRITE) return 'can be written to by its group or by everybody';
  }
  for (const [i, folder] of folders.entries()) {
    if (folder.readOnly) continue;
    if (isOurs(folder, selfUid)) return `lies in ${folder.path}, which belongs to the user of this process`;
    // In a sticky folder only the owner of an entry moves it, or the owner of the folder.
    const entry = folders[i + 1] ?? file;
    if (folder.mode & OTHERS_WRITE && !(folder.mode & STICKY && (entry.uid === 0 || entry.uid === folder.uid))) {
      return `lies in ${folder.path}, to which its group or everybody can write`;
    }
  }
  return undefined;
}

function isOurs({ uid }: TrustFacts, selfUid: number): boolean {
  return selfUid !== 0 && uid === selfUid;
}
