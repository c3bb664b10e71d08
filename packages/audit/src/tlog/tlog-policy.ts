import type { NoteVerifier } from './signed-note.ts';

/** The quorum that asks for no witness (tlog-policy, Defining the quorum). */
export const NO_QUORUM = 'none';

/** Which logs and witnesses are trusted, and how many of the witnesses it takes (tlog-policy). */
export interface TlogPolicy {
  readonly logs: readonly PolicyLog[];
  readonly witnesses: readonly PolicyWitness[];
  /** In the order in which they are defined: a group comes after its members. */
  readonly groups: readonly PolicyGroup[];
  /** Name of the witness or group that has to have witnessed a checkpoint; `none` asks for no witness. */
  readonly quorum: string;
}

export interface PolicyLog {
  readonly vkey: string;
  readonly url?: string;
  readonly verifier: NoteVerifier;
}

export interface PolicyWitness {
  /** Its name within the policy, octet by octet (Latin-1): never compared with anything else. */
  readonly name: string;
  readonly vkey: string;
  readonly url?: string;
  readonly verifier: NoteVerifier;
}

export interface PolicyGroup {
  readonly name: string;
  /** How many of the members have to have witnessed. */
  readonly threshold: number;
  readonly members: readonly string[];
}

/**
 * Returns whether the witnesses that have cosigned a checkpoint are enough.
 *
 * @param witnessed The policy's names of those witnesses.
 */
export function isQuorum({ groups, quorum }: TlogPolicy, witnessed: ReadonlySet<string>): boolean {
  if (quorum === NO_QUORUM) return true;
  const reached = new Set(witnessed);
  for (const { name, threshold, members } of groups) {
    if (members.filter((member) => reached.has(member)).length >= threshold) reached.add(name);
  }
  return reached.has(quorum);
}
