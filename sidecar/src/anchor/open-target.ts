import { createFolderTarget, createNodeLogFiles, type ReplicaTarget } from '@tallystick/audit';
import type { Clock, Timers } from '@tallystick/core';
import type { ReplicaConfig } from '../config/config.ts';

/**
 * Opens the place of a replica.
 *
 * @param signal When it is aborted, a call over the network is given up; one to a disk cannot be.
 */
export async function openTarget(
  config: ReplicaConfig,
  { clock, timers }: { readonly clock: Clock; readonly timers: Timers },
  signal: AbortSignal,
): Promise<ReplicaTarget> {
  switch (config.kind) {
    case 'folder':
      return createFolderTarget(createNodeLogFiles(config.folder));
    case 's3': {
      // Most sidecars have no bucket.
      const [{ createS3Target }, { s3Requests }] = await Promise.all([
        import('./s3-target.ts'),
        import('./s3-requests.ts'),
      ]);
      return createS3Target(s3Requests(config, timers, signal), config, clock);
    }
  }
}
