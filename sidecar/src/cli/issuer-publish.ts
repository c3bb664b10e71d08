import { mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import {
  CLIENT_JWKS_FILE,
  DISCOVERY_FILE,
  discoveryDocument,
  JWKS_FILE,
  SPIFFE_BUNDLE_FILE,
  spiffeBundle,
} from '../issuer/federation-files.ts';
import { replaceFile } from '../state/replace-file.ts';
import type { AdminClient } from './admin-client.ts';
import { jsonText } from './ask-sidecar.ts';
import { UsageError, type Output } from './command.ts';

/** What the sidecar answers with: the keys that have a role towards upstreams. */
interface PublishedKeys {
  readonly federation: { readonly issuer: string; readonly jwks: KeySet } | null;
  readonly client: { readonly jwks: KeySet };
}

interface KeySet {
  readonly keys: readonly { readonly kid: string }[];
}

/**
 * Writes the files that upstreams read keys from into a folder which a web server shows under `federation.url`, and
 * tells the sidecar that they are there. Each file is replaced whole; the keys before what leads to them.
 *
 * @throws {TallystickError} What the sidecar refuses.
 * @throws {UsageError} The folder cannot be written.
 */
export async function publishIssuer(
  sidecar: Pick<AdminClient, 'get' | 'post'>,
  { dir, json, stdout, stderr }: { dir: string; json: boolean; stdout: Output; stderr: Output },
): Promise<void> {
  const { federation, client } = (await sidecar.get('/v1/issuer/files')) as unknown as PublishedKeys;
  const files = new Map<string, unknown>([[CLIENT_JWKS_FILE, client.jwks]]);
  if (federation) {
    files.set(JWKS_FILE, federation.jwks);
    files.set(SPIFFE_BUNDLE_FILE, spiffeBundle(federation.jwks.keys));
    files.set(DISCOVERY_FILE, discoveryDocument(federation.issuer));
  }
  const folder = resolve(dir);
  for (const [name, content] of files) await publishFile(join(folder, name), `${JSON.stringify(content)}\n`);
  const kids = [...(federation?.jwks.keys ?? []), ...client.jwks.keys].map(({ kid }) => kid);
  await sidecar.post('/v1/issuer/files', { kids });
  const written = Array.from(files.keys(), (name) => join(folder, name));
  stdout.write(
    json ? jsonText({ files: written, issuer: federation?.issuer ?? null, kids }) : `${written.join('\n')}\n`,
  );
  if (!federation) stderr.write(NO_FEDERATION);
}

const NO_FEDERATION = `tallystick: the configuration has no "federation", so no cloud can trust this issuer
  add "federation: { url: https://… }", and publish again
`;

async function publishFile(path: string, text: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await replaceFile(path, text, 0o644);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UsageError(
      `"${path}" cannot be written (${code ?? 'unknown'}): name a folder with --dir that this user may write`,
    );
  }
}
