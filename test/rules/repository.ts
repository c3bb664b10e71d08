import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The folder of the repository. */
export const ROOT = join(import.meta.dirname, '..', '..');

/** Returns the paths of all files that are, or are about to be, committed; relative to {@link ROOT}, sorted. */
export function listFiles(): string[] {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: ROOT });
  const paths = new Set(listed.toString('utf8').split('\0'));
  return [...paths].filter((path) => path !== '' && existsSync(join(ROOT, path))).sort();
}

/** Returns the text of a file named by {@link listFiles}. */
export function readText(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** A workspace package that is published. */
export interface PublishedPackage {
  /** `packages/core`, `sidecar` */
  readonly folder: string;
  /** The last part of its name: `core`, `sidecar` */
  readonly shortName: string;
  readonly manifest: Manifest;
  /** Its source files, relative to {@link ROOT}. */
  readonly sources: readonly string[];
}

/** The members of a package.json that the rules look at. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly description?: string;
  readonly private?: boolean;
  readonly license?: string;
  readonly type?: string;
  readonly sideEffects?: unknown;
  readonly engines?: { readonly node?: string };
  readonly files?: readonly string[];
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly publishConfig?: { readonly access?: string; readonly bin?: Readonly<Record<string, string>> };
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** Returns every package of the workspace that is not private. */
export function publishedPackages(): PublishedPackage[] {
  const files = listFiles();
  return files
    .filter((path) => /^(packages\/[^/]+|sidecar)\/package\.json$/.test(path))
    .map((path) => ({ folder: dirname(path), manifest: JSON.parse(readText(path)) as Manifest }))
    .filter(({ manifest }) => manifest.private !== true)
    .map(({ folder, manifest }) => ({
      folder,
      manifest,
      shortName: manifest.name.replace('@tallystick/', ''),
      sources: files.filter((path) => path.startsWith(`${folder}/src/`) && path.endsWith('.ts')),
    }));
}
