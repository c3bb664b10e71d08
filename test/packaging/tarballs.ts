import { readdirSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { publishedPackages, ROOT, type PublishedPackage } from '../rules/repository.ts';
import { runBin, runCommand } from './command.ts';

/** A published package with the file that would be uploaded to a registry. */
export interface PackedPackage extends PublishedPackage {
  /** Absolute path of the `.tgz`. */
  readonly tarball: string;
}

/** Builds the whole workspace anew and packs every published package into a new folder. */
export async function packAll(): Promise<PackedPackage[]> {
  await Promise.all([
    // --force, because outputs that were deleted while the build's notes stayed would not be written again.
    runBin('.', 'typescript', ['-b', '--force']),
    runBin('sidecar', 'tsup', ['--silent'], 'sidecar'),
  ]);
  const folder = await mkdtemp(join(tmpdir(), 'tallystick-tarballs-'));
  const packages = publishedPackages();
  const filters = packages.flatMap((each) => ['--filter', each.manifest.name]);
  await runCommand('npx', ['-y', 'pnpm@12', ...filters, '--recursive', 'pack', '--pack-destination', folder], {
    cwd: ROOT,
  });
  const packed = readdirSync(folder);
  return packages.map((each) => {
    const file = packed.find((name) => name === `tallystick-${each.shortName}-${each.manifest.version}.tgz`);
    if (!file) throw new Error(`${each.manifest.name} was not packed; there are ${packed.join(', ')}`);
    return { ...each, tarball: join(folder, file) };
  });
}
