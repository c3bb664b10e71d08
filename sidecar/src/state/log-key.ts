import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { TallystickError } from '@tallystick/core';
import { readStateFile, writeStateFile } from './state-file.ts';

/** Returns the name of the file that holds the key of an incarnation of the log. */
export function logKeyFile(incarnation: number): string {
  return `log-key-${incarnation}.json`;
}

/**
 * Returns the Ed25519 key that signs the heads of one incarnation of the log. A new one is durable, and readable by
 * nobody else, before it is returned: so before its first signature.
 *
 * @param options `mayMake`: the incarnation has no log yet, so that a key may be made for it.
 * @throws {TallystickError} `state_unusable`: it is torn, changed by hand, not for us to read, or missing.
 */
export async function openLogKey(
  folder: string,
  incarnation: number,
  { mayMake }: { readonly mayMake: boolean },
): Promise<KeyObject> {
  const path = join(folder, logKeyFile(incarnation));
  const what = 'the key of the log';
  const stored = (await readStateFile(path, what)) as { incarnation?: unknown; jwk?: unknown } | undefined;
  if (stored !== undefined) return parseKey(path, stored, incarnation);
  if (!mayMake) {
    throw new TallystickError('state_unusable', `"${path}" is missing, the key that has signed the log`, {
      remedy:
        'restore it; where it is lost, begin a new incarnation of the log: "tallystick run --new-incarnation REASON"',
    });
  }
  const { privateKey } = generateKeyPairSync('ed25519');
  const jwk = privateKey.export({ format: 'jwk' }) as Record<string, string>;
  await writeStateFile(path, what, { incarnation, jwk }, 0o400);
  return privateKey;
}

function parseKey(path: string, stored: { incarnation?: unknown; jwk?: unknown }, incarnation: number): KeyObject {
  try {
    if (stored.incarnation !== incarnation) throw new TypeError('it is of another incarnation');
    const privateKey = createPrivateKey({ key: stored.jwk as Record<string, string>, format: 'jwk' });
    if (privateKey.asymmetricKeyType !== 'ed25519') throw new TypeError('it is not an Ed25519 key');
    return privateKey;
  } catch (cause) {
    throw new TallystickError(
      'state_unusable',
      `"${path}" does not hold the key of incarnation ${incarnation} of the log`,
      {
        remedy:
          'restore it; where it is lost, begin a new incarnation of the log: "tallystick run --new-incarnation REASON"',
        cause,
      },
    );
  }
}
