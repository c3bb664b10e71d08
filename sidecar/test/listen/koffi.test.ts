import { copyFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { loadKoffi } from '../../src/listen/koffi.ts';
import { bindLibc } from '../../src/listen/libc.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** Folder of the platform's own binary package. */
function binaryPackage(): string {
  const koffi = createRequire(new URL('../../src/listen/koffi.ts', import.meta.url)).resolve('koffi');
  const name = `@koromix/koffi-${process.platform}-${process.arch}`;
  return dirname(createRequire(koffi).resolve(`${name}/package.json`));
}

function bundle(): string {
  const folder = temporaryFolder();
  for (const triplet of readdirSync(binaryPackage())) {
    const file = join(binaryPackage(), triplet, 'koffi.node');
    if (!existsSync(file)) continue;
    mkdirSync(join(folder, 'koffi', triplet), { recursive: true });
    copyFileSync(file, join(folder, 'koffi', triplet, 'koffi.node'));
  }
  return folder;
}

test('without a bundle the package is used', () => {
  expect(bindLibc(loadKoffi()).pollReadable(99_999)).toBe(1); // POLLNVAL counts as an event.
});

test('in a bundle the binary beside it is used', () => {
  const koffi = loadKoffi(bundle());
  expect(bindLibc(koffi).flock(99_999, 2)).toBeLessThan(0);
  expect(koffi).not.toBe(loadKoffi());
});

test('a binary that does not load gives way to the package', () => {
  const folder = temporaryFolder();
  const triplet = join(folder, 'koffi', `${process.platform}_${process.arch}`);
  mkdirSync(triplet, { recursive: true });
  writeFileSync(join(triplet, 'koffi.node'), 'not a library');
  expect(loadKoffi(folder)).toBe(loadKoffi());
});
