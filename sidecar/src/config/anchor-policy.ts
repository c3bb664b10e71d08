import { isQuorum, NO_QUORUM, parseTlogPolicy, witnessesOf, type TlogPolicy } from '@tallystick/audit';
import { TallystickError } from '@tallystick/core';
import { readNamedFile, type FileFault } from './named-file.ts';

/** The policy of a file, or why it cannot be used. */
export type PolicyFile = { readonly ok: true; readonly policy: TlogPolicy } | FileFault;

/** Some hundred witnesses. */
const MAX_POLICY_BYTES = 64 * 1024;

/** Reads the policy that the record is anchored by. Never throws. */
export async function readAnchorPolicy(path: string): Promise<PolicyFile> {
  const file = await readNamedFile(path, MAX_POLICY_BYTES);
  if (!file.ok) return file;
  try {
    return judgePolicy(parseTlogPolicy(file.bytes));
  } catch (error) {
    if (!TallystickError.is(error)) throw error;
    const remedy = 'correct it: lines "witness NAME VKEY URL", "group NAME N MEMBER...", and one "quorum NAME"';
    return { ok: false, message: `names a file that is no policy: ${error.description}`, remedy };
  }
}

/** A policy that nobody can satisfy would have heads asked for that never count. */
function judgePolicy(policy: TlogPolicy): PolicyFile {
  if (policy.quorum === NO_QUORUM) {
    return refuse('asks for no witness', 'give its quorum the name of a witness or group, or leave the policy out');
  }
  const asked = witnessesOf(policy);
  if (!isQuorum(policy, new Set(asked.map(({ name }) => name)))) {
    return refuse('has a quorum that its witnesses with a URL do not reach', 'give each witness its URL');
  }
  const odd = asked.find(({ url }) => !URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol));
  if (odd) return refuse('has a witness whose URL is not https or http', 'give the submission prefix of the witness');
  return { ok: true, policy };
}

function refuse(what: string, remedy: string): FileFault {
  return { ok: false, message: `names a policy that ${what}`, remedy };
}
