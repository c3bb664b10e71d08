import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock, systemRandom, type Clock } from '@tallystick/core';
import { adminAssertionKeyRoutes } from '../../../src/api/admin/assertion-keys.ts';
import type { AdminClient } from '../../../src/cli/admin-client.ts';
import { publishIssuer } from '../../../src/cli/issuer-publish.ts';
import { createAssertionKeys, type AssertionKeys } from '../../../src/issuer/assertion-keys.ts';
import { memoryLog } from '../../memory-log.ts';

/** A federation with its files in a folder, as a web server would show them. */
export interface PublishedFederation {
  readonly url: string;
  /** The folder of the files. */
  readonly dir: string;
  readonly keys: AssertionKeys;
  publish(): Promise<void>;
  /** Removes keys and files. */
  remove(): void;
}

/** Keys that every federation of this process begins with: those of RSA take a while to make. */
let made: Promise<string> | undefined;

async function makeKeys(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-federation-keys-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const keys = createAssertionKeys({
    federationUrl: 'https://a.example',
    folder,
    clock: systemClock,
    random: systemRandom,
  });
  await Promise.all([keys.signers('federation'), keys.signers('client')]);
  return folder;
}

/** Gives a federation its keys, and publishes them as the command does. */
export async function publishedFederation(
  url = 'https://identity.acme.example/eu-1',
  clock: Clock = systemClock,
): Promise<PublishedFederation> {
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-federation-'));
  cpSync(await (made ??= makeKeys()), folder, { recursive: true });
  const keys = createAssertionKeys({ federationUrl: url, folder, clock, random: systemRandom });
  const dir = join(folder, 'published');
  const publish = (): Promise<void> =>
    publishIssuer(adminClient(keys), { dir, json: false, stdout: { write() {} }, stderr: { write() {} } });
  await publish();
  return { url, dir, keys, publish, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Asks the routes of the admin socket without a socket. */
export function adminClient(assertionKeys: AssertionKeys): Pick<AdminClient, 'get' | 'post'> {
  const records = { keyRotated: () => Promise.reject(new Error('nothing is rotated here')) } as never;
  const routes = adminAssertionKeyRoutes({ assertionKeys, records, log: memoryLog() });
  const ask = async (method: string, path: string, body: object): Promise<Record<string, unknown>> => {
    const route = routes.find((one) => one.method === method && one.path === path)!;
    const answer: unknown = await route.handle({ peer: undefined as never, body: { ...body } });
    return JSON.parse(JSON.stringify(answer)) as Record<string, unknown>;
  };
  return { get: (path) => ask('GET', path, {}), post: (path, body) => ask('POST', path, body) };
}
