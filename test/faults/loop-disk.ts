import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

/** An ext4 file system in a file, on a loop device of its own. */
export interface LoopDisk extends Disposable {
  /** Where it is mounted: a folder for nobody but us, and empty. */
  readonly folder: string;
  /** Has the kernel meet an error of the disk: it lets nothing be written from then on, whoever has a file open. */
  breakDown(): void;
  /** Takes it away and puts it back, as after a repair. */
  mountAgain(): void;
}

/** True where such a disk can be had: Linux, as root, with loop devices. */
export function canLoop(): boolean {
  if (process.getuid?.() !== 0 || spawnSync('mkfs.ext4', ['-V']).status !== 0) return false;
  try {
    makeLoopDisk(mkdtempSync(join(tmpdir(), 'tallystick-loop-')), 4)[Symbol.dispose]();
    return true;
  } catch {
    return false;
  }
}

/** Makes a disk of so many megabytes, mounted at `folder`. */
export function makeLoopDisk(folder: string, megabytes: number): LoopDisk {
  const own = mkdtempSync(join(tmpdir(), 'tallystick-disk-'));
  const image = join(own, 'image');
  writeFileSync(image, '');
  truncateSync(image, megabytes * 1024 * 1024);
  execFileSync('mkfs.ext4', ['-q', '-F', image]);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const mount = (): void => {
    execFileSync('mount', ['-o', 'loop,errors=remount-ro', image, folder], { stdio: 'pipe' });
  };
  mount();
  rmSync(join(folder, 'lost+found'), { recursive: true });
  execFileSync('chmod', ['0700', folder]);
  return {
    folder,
    breakDown() {
      const device = execFileSync('findmnt', ['-n', '-o', 'SOURCE', folder], { encoding: 'utf8' }).trim();
      writeFileSync(`/sys/fs/ext4/${basename(device)}/trigger_fs_error`, '1');
    },
    mountAgain() {
      execFileSync('umount', [folder]);
      spawnSync('fsck.ext4', ['-p', image]);
      mount();
    },
    [Symbol.dispose]() {
      spawnSync('umount', ['-l', folder]);
      rmSync(own, { recursive: true, force: true });
    },
  };
}
