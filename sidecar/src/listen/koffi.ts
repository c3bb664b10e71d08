import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { TallystickError } from '@tallystick/core';
import type koffi from 'koffi';

/** The parts of koffi that are used here. */
export type Koffi = Pick<typeof koffi, 'load' | 'errno'>;

/**
 * Returns koffi, the foreign-function interface to libc. Loads on the first call; Node caches it.
 *
 * In a bundle the binary lies beside the bundled file as `koffi/<platform>_<arch>/koffi.node`, and needs none of
 * koffi's JavaScript; else the package is resolved as usual. Two folders are tried on Linux because a binary for
 * glibc does not load under musl.
 *
 * @throws {TallystickError} `platform_unsupported`
 */
export function loadKoffi(folder: string = import.meta.dirname): Koffi {
  const require = createRequire(import.meta.url);
  const beside = [process.platform, 'musl']
    .map((libc) => join(folder, 'koffi', `${libc}_${process.arch}`, 'koffi.node'))
    .filter((file) => existsSync(file));
  let cause: unknown;
  for (const name of [...beside, 'koffi']) {
    try {
      return require(name) as Koffi;
    } catch (error) {
      cause ??= error;
    }
  }
  throw new TallystickError('platform_unsupported', 'the native part of koffi does not load', {
    remedy: `install @koromix/koffi-${process.platform}-${process.arch} beside koffi, or use the bundle of this platform`,
    cause,
  });
}
