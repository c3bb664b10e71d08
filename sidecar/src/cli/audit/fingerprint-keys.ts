import { createSecretKey, type KeyObject } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { knownRecordOf, readLeaf, type RecordBodies } from '@tallystick/audit';
import { loadConfig } from '../../config/load-config.ts';
import { escrowOf, openSealed, parseEscrowPrivateKey } from '../../record/fingerprint/fingerprint-escrow.ts';
import { fingerprintKeyId } from '../../record/fingerprint/fingerprint.ts';
import { fingerprintKeyFile, readFingerprintKey } from '../../state/fingerprint-key.ts';
import { configPathOf, UsageError, type CONFIG_OPTION, type Invocation } from '../command.ts';
import { readNamed, unreadable } from './read-named.ts';
import { bundleOf, type SignedLog } from './signed-log.ts';

/** Which keys fingerprints are made by. */
export const KEY_OPTIONS = {
  key: {
    type: 'string',
    value: 'FILE',
    doc: 'a fingerprint key: its file in "state.keys", or its 32 bytes; else all of "state.keys"',
  },
  'escrow-key': { type: 'string', value: 'FILE', doc: 'the RSA private key that opens the keys sealed in the log' },
} as const;

type KeyInvocation = Invocation<typeof CONFIG_OPTION & typeof KEY_OPTIONS>;

/** A log, and by which keys a secret can be looked for in it. */
export interface SearchableLog {
  readonly log: SignedLog;
  /** Those at hand that made its fingerprints; by their ids. */
  readonly keys: ReadonlyMap<string, KeyObject>;
  /** Id of the key that made its fingerprints, as its first record says; null where that is not there. */
  readonly keyId: string | null;
}

/** Returns the logs with the keys at hand that made their fingerprints. @throws {TallystickError} A key is none. */
export async function searchableLogs(
  invocation: KeyInvocation,
  logs: readonly SignedLog[],
): Promise<readonly SearchableLog[]> {
  const facts = new Map(logs.map((log) => [log, factsOf(log)]));
  const keys = await keysAtHand(invocation, [...facts.values()]);
  return logs.map((log) => {
    const keyId = facts.get(log)?.id ?? null;
    const own = keyId === null ? [...keys] : [...keys].filter(([id]) => id === keyId);
    return { log, keys: new Map(own), keyId };
  });
}

type Facts = RecordBodies['log.genesis']['fingerprints'];

/** What the first record of a log says of its key; it is verified with the rest of the log. */
function factsOf(log: SignedLog): Facts {
  if (log.size === 0) return null;
  const record = knownRecordOf(readLeaf(log.origin, 0, bundleOf(log, 0)[0]!));
  return record?.type === 'log.genesis' || record?.type === 'log.shard_opened'
    ? (record.body.fingerprints ?? null)
    : null;
}

async function keysAtHand(invocation: KeyInvocation, facts: readonly Facts[]): Promise<Map<string, KeyObject>> {
  const { key, 'escrow-key': escrowKey } = invocation.options;
  if (key !== undefined && escrowKey !== undefined) throw new UsageError('give --key or --escrow-key, not both');
  if (escrowKey !== undefined) return byId(sealedKeys(escrowKey, facts));
  return byId(key === undefined ? await keysOfState(invocation) : [await keyIn(key)]);
}

function byId(keys: readonly KeyObject[]): Map<string, KeyObject> {
  return new Map(keys.map((key) => [fingerprintKeyId(key), key]));
}

function sealedKeys(path: string, facts: readonly Facts[]): KeyObject[] {
  const privateKey = parseEscrowPrivateKey(readNamed(path).toString('utf8'), path);
  const escrow = escrowOf(privateKey);
  return facts.flatMap((fact) => {
    const sealed = fact?.escrow === escrow ? fact.sealed : undefined;
    const bytes = sealed ? openSealed(sealed, privateKey) : undefined;
    return bytes ? [createSecretKey(bytes)] : [];
  });
}

const RAW_BYTES = 32;

async function keyIn(path: string): Promise<KeyObject> {
  const bytes = readNamed(path);
  if (bytes.length === RAW_BYTES) return createSecretKey(bytes);
  return (await readFingerprintKey(path))!.key;
}

async function keysOfState(invocation: KeyInvocation): Promise<KeyObject[]> {
  const result = await loadConfig(configPathOf(invocation), { clock: invocation.clock });
  if (!result.ok) throw new UsageError('say by which key: --key FILE or --escrow-key FILE');
  const folder = result.loaded.config.state.keys;
  const names = (() => {
    try {
      return readdirSync(folder);
    } catch (error) {
      throw unreadable(folder, error);
    }
  })();
  const files = names.filter((name) => name === fingerprintKeyFile(Number(/^\D+(\d{1,9})\.json$/.exec(name)?.[1])));
  const keys = await Promise.all(files.map((name) => readFingerprintKey(join(folder, name))));
  return keys.flatMap((found) => (found ? [found.key] : []));
}
