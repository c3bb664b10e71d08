import { isUtf8 } from 'node:buffer';
import { cosignatureVerifier } from './cosignature.ts';
import { rawPublicKey } from './ed25519.ts';
import { logVerifier } from './log-signer.ts';
import { formatVkey, parseVkey, type NoteKey } from './note-key.ts';
import { NO_QUORUM, type PolicyGroup, type PolicyLog, type PolicyWitness, type TlogPolicy } from './tlog-policy.ts';
import { TlogError } from './tlog-error.ts';

/**
 * Returns the policy that a file says.
 *
 * @throws {TlogError} `policy`, with the number of the line; `key`, `key_type` or `key_name` for a vkey.
 */
export function parseTlogPolicy(bytes: Uint8Array): TlogPolicy {
  const text = Buffer.from(bytes).toString('latin1');
  // eslint-disable-next-line no-control-regex -- these are the octets that the format forbids
  if (/[\u0000-\u0008\u000b-\u001f\u007f]/.test(text)) {
    throw new TlogError('policy', 'a policy has no control characters but tabs and newlines');
  }
  if (!text.endsWith('\n')) throw new TlogError('policy', 'every line of a policy ends with a newline');
  const draft = new PolicyDraft();
  text
    .slice(0, -1)
    .split('\n')
    .forEach((line, i) => {
      const items = line.split(/[ \t]+/).filter((item) => item !== '');
      if (items.length > 0 && !items[0]!.startsWith('#')) draft.add(items, i + 1);
    });
  return draft.policy();
}

/** A policy while its lines are read: a line refers only to names of the lines before it. */
class PolicyDraft {
  readonly #logs: PolicyLog[] = [];
  readonly #witnesses: PolicyWitness[] = [];
  readonly #groups: PolicyGroup[] = [];
  /** Public keys of the logs and of the witnesses, which are told apart. */
  readonly #logKeys = new Set<string>();
  readonly #witnessKeys = new Set<string>();
  readonly #names = new Set<string>();
  readonly #members = new Set<string>();
  #quorum: string | undefined;

  add([keyword, ...items]: readonly string[], line: number): void {
    const refuse = (description: string): never => {
      throw new TlogError('policy', `line ${line} of the policy: ${description}`);
    };
    switch (keyword) {
      case 'log':
        return this.#log(items, refuse);
      case 'witness':
        return this.#witness(items, refuse);
      case 'group':
        return this.#group(items, refuse);
      case 'quorum':
        return this.#setQuorum(items, refuse);
      default:
        return refuse('it begins with log, witness, group or quorum');
    }
  }

  policy(): TlogPolicy {
    if (this.#quorum === undefined) throw new TlogError('policy', 'a policy has a line with its quorum');
    return { logs: this.#logs, witnesses: this.#witnesses, groups: this.#groups, quorum: this.#quorum };
  }

  #log([encoded, url, ...rest]: readonly string[], refuse: Refuse): void {
    if (encoded === undefined || rest.length > 0) return refuse('a log is: log <vkey> [<url>]');
    const key = vkeyOf(encoded);
    if (!isNew(this.#logKeys, keyText(key))) return refuse('the key of this log is that of another');
    this.#logs.push({ vkey: formatVkey(key), verifier: logVerifier(key), ...(url !== undefined && { url }) });
  }

  #witness([name, encoded, url, ...rest]: readonly string[], refuse: Refuse): void {
    if (name === undefined || encoded === undefined || rest.length > 0) {
      return refuse('a witness is: witness <name> <vkey> [<url>]');
    }
    this.#define(name, refuse);
    const key = vkeyOf(encoded);
    if (!isNew(this.#witnessKeys, keyText(key))) return refuse('the key of this witness is that of another');
    const verifier = cosignatureVerifier(key);
    this.#witnesses.push({ name, vkey: formatVkey(key), verifier, ...(url !== undefined && { url }) });
  }

  #group([name, count, ...members]: readonly string[], refuse: Refuse): void {
    if (name === undefined || count === undefined || members.length === 0) {
      return refuse('a group is: group <name> all|any|<k> <name>...');
    }
    for (const member of members) {
      if (!this.#names.has(member)) return refuse('a member of this group is not defined before it');
      if (!isNew(this.#members, member)) return refuse('a member of this group is already the member of one');
    }
    this.#define(name, refuse);
    const threshold = count === 'all' ? members.length : count === 'any' ? 1 : decimal(count);
    if (threshold < 1 || threshold > members.length)
      return refuse('the number of a group is from 1 to that of its members');
    this.#groups.push({ name, threshold, members });
  }

  #setQuorum([name, ...rest]: readonly string[], refuse: Refuse): void {
    if (name === undefined || rest.length > 0) return refuse('the quorum is: quorum <name>|none');
    if (this.#quorum !== undefined) return refuse('the policy has a quorum already');
    if (name !== NO_QUORUM && !this.#names.has(name)) return refuse('the quorum is not defined before it');
    this.#quorum = name;
  }

  #define(name: string, refuse: Refuse): void {
    if (name === NO_QUORUM) return refuse('the name none is taken: it stands for no quorum');
    if (!isNew(this.#names, name)) return refuse('the name is that of another witness or group');
  }
}

type Refuse = (description: string) => never;

/** Adds a value to a set, and returns false where it was there. */
function isNew(values: Set<string>, value: string): boolean {
  if (values.has(value)) return false;
  values.add(value);
  return true;
}

/** Keys are the same where their 32 bytes are, whatever name and type they go by (tlog-policy, Public key representation). */
const keyText = ({ publicKey }: NoteKey): string => rawPublicKey(publicKey).toString('base64');

/** A number without sign or leading zero; anything else is no number of members. */
const decimal = (text: string): number => (/^[1-9][0-9]{0,8}$/.test(text) ? Number(text) : 0);

/** The octets of a vkey are those of UTF-8, as in a note. */
function vkeyOf(octets: string): NoteKey {
  const bytes = Buffer.from(octets, 'latin1');
  if (!isUtf8(bytes)) throw new TlogError('key', 'a vkey is UTF-8');
  return parseVkey(bytes.toString('utf8'));
}
