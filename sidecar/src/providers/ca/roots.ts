import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import type { Clock, Random } from '@tallystick/core';
import type { ProviderMemory } from '../provider.ts';
import { pemOf, readAuthority, type Authority } from './authority.ts';
import { basicConstraints, commonName, keyUsage, signCertificate, subjectKeyIdentifier } from './certificate.ts';

/** The sidecar's own authorities, which sign for each other's successors by overlap: no certificate is cut short. */
export interface Roots {
  /** Signs now. */
  readonly current: Authority;
  /** PEM of all whose certificates may still live, and of the one that signs next. */
  readonly bundle: string;
}

/** A root as it is kept, both PEM. */
interface StoredRoot {
  readonly certificate: string;
  readonly key: string;
}

interface Root {
  readonly stored: StoredRoot;
  readonly authority: Authority;
}

const YEAR_MS = 365 * 86_400_000;
/** A new one is made when so much of the newest has passed. */
const RENEW_AFTER_MS = (YEAR_MS * 2) / 3;
/** It signs when everybody has it in a bundle: those come with certificates, and none lives for longer than this. */
const ANNOUNCED_MS = 8 * 86_400_000;
/** For verifiers whose clock is behind. */
export const BACKDATED_MS = 60_000;

/** Returns the sidecar's own authorities of this moment, and makes the next one when that is due. */
export function createRoots(options: {
  readonly memory: ProviderMemory;
  readonly clock: Clock;
  readonly random: Random;
  /** Their common name. */
  readonly name: string;
}): () => Promise<Roots> {
  const { memory, clock, random, name } = options;
  let kept: Promise<readonly Root[]> | undefined;
  const load = async (): Promise<readonly Root[]> =>
    (((await memory.read()) as StoredRoot[] | undefined) ?? []).map(rootOf);
  const refresh = async (before: readonly Root[]): Promise<readonly Root[]> => {
    const nowMs = clock.nowMs();
    const alive = before.filter(({ authority }) => authority.notAfterMs > nowMs);
    const newest = alive.at(-1);
    if (newest && nowMs <= newest.authority.notBeforeMs + RENEW_AFTER_MS) return alive;
    const all = [...alive, rootOf(await makeRoot(nowMs, random, name))];
    await memory.write(all.map(({ stored }) => ({ ...stored })));
    return all;
  };
  return async () => {
    // One after the other: two that ask at once must not each make one.
    const next = (kept ?? load()).catch(load).then(refresh);
    kept = next;
    return rootsOf(await next, clock.nowMs());
  };
}

function rootOf(stored: StoredRoot): Root {
  return { stored, authority: readAuthority(stored.certificate, stored.key) };
}

function rootsOf(all: readonly Root[], nowMs: number): Roots {
  const known = all.filter(({ authority }) => nowMs >= authority.notBeforeMs + ANNOUNCED_MS);
  return {
    current: (known.at(-1) ?? all[0]!).authority,
    bundle: all.map(({ stored }) => stored.certificate).join(''),
  };
}

async function makeRoot(nowMs: number, random: Random, name: string): Promise<StoredRoot> {
  const { privateKey, publicKey } = await promisify(generateKeyPair)('ec', { namedCurve: 'P-256' });
  const subject = commonName(name);
  const notBeforeMs = nowMs - BACKDATED_MS;
  const der = signCertificate(
    {
      serial: serialNumber(random),
      issuer: subject,
      subject,
      notBeforeMs,
      notAfterMs: notBeforeMs + YEAR_MS,
      publicKey,
      extensions: [basicConstraints(true), keyUsage('authority'), subjectKeyIdentifier(publicKey)],
    },
    privateKey,
  );
  return { certificate: pemOf(der), key: privateKey.export({ format: 'pem', type: 'pkcs8' }) as string };
}

/** Returns a serial number: 126 random bits, positive, and of one length (RFC 5280 §4.1.2.2). */
export function serialNumber(random: Random): Uint8Array {
  const bytes = Uint8Array.from(random.bytes(16));
  bytes[0] = (bytes[0]! & 0x3f) | 0x40;
  return bytes;
}
