import { judgeCheckpoint, type JudgedCheckpoint } from '../tlog/judge-checkpoint.ts';
import { logVerifier } from '../tlog/log-signer.ts';
import { formatVkey, parseVkey } from '../tlog/note-key.ts';
import { isQuorum, NO_QUORUM, type TlogPolicy } from '../tlog/tlog-policy.ts';

/**
 * Returns the policy that trusts the logs of these keys, and asks for no witness.
 *
 * @throws {TlogError} `key`, `key_type` or `key_name`.
 */
export function policyOfVkeys(vkeys: readonly string[]): TlogPolicy {
  const keys = vkeys.map(parseVkey);
  const logs = keys.map((key) => ({ vkey: formatVkey(key), verifier: logVerifier(key) }));
  return { logs, witnesses: [], groups: [], quorum: NO_QUORUM };
}

/** A head that its log has signed, and whether those who watch the log have seen it. */
export interface TrustedHead extends JudgedCheckpoint {
  /** When enough witnesses of the policy had cosigned it, in milliseconds since the epoch; undefined where they have not. */
  readonly witnessedMs: number | undefined;
}

/**
 * Returns the head that bytes hold, signed by a log of the policy. That too few witnesses have cosigned it is no
 * refusal: the newest head of a log is younger than its newest anchor. A cosignature that is wrong is one.
 *
 * @throws {TlogError} As {@link judgeCheckpoint}, but for `quorum`.
 */
export function trustHead(bytes: Uint8Array, policy: TlogPolicy): TrustedHead {
  const head = judgeCheckpoint(bytes, { ...policy, quorum: NO_QUORUM }, 'refuse');
  const witnesses = new Set(head.cosignatures.map(({ witness }) => witness));
  const witnessed = policy.quorum !== NO_QUORUM && isQuorum(policy, witnesses);
  const seconds = head.cosignatures.map(({ time }) => time);
  // Each of them has vouched for it since its own time: all of them together since the earliest.
  return { ...head, witnessedMs: witnessed ? Math.min(...seconds) * 1000 : undefined };
}
