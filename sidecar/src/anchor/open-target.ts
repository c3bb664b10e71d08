import { createFolderTarget, createNodeLogFiles, type ReplicaTarget } from '@tallystick/audit';
import type { ReplicaConfig } from '../config/config.ts';

/** Opens the place of a replica. */
export async function openTarget(config: ReplicaConfig): Promise<ReplicaTarget> {
  switch (config.kind) {
    case 'folder':
      return createFolderTarget(createNodeLogFiles(config.folder));
    case 's3':
      throw new Error('not yet');
  }
}
