import type { RecordType } from '@tallystick/audit';
import type { Registry } from '../authorize/registry.ts';
import type { BodyOf, Recorder, RecordRef } from './record.ts';
import type { RegistryRecords } from './registry/registry-records.ts';

/** Records what happens to the sidecar itself. Each is durable when it resolves. */
export interface LifecycleRecords {
  started(): Promise<RecordRef>;
  stopped(cause: string): Promise<RecordRef>;
  /**
   * Also which identities it has, where the log does not know them yet.
   *
   * @param sha256 Of the text of the configuration, base64url.
   */
  configLoaded(source: 'file' | 'last-good', sha256: string): Promise<RecordRef>;
  configRefused(mistakes: number): Promise<RecordRef>;
}

export function createLifecycleRecords(options: {
  recorder: Recorder;
  registryRecords: RegistryRecords;
  registry: () => Registry;
  version: string;
}): LifecycleRecords {
  const { recorder, registryRecords, registry, version } = options;
  const append = <T extends RecordType>(type: T, outcome: 'success' | 'failed', body: BodyOf<T>): Promise<RecordRef> =>
    recorder.append({
      type,
      actor: 'sidecar',
      owner: null,
      process: null,
      registry: { entry: null, root: registry().digest.root },
      lease: null,
      outcome,
      reason: null,
      trace: null,
      body,
    });
  return {
    started: () => append('sidecar.started', 'success', { node: process.version, version }),
    stopped: (cause) => append('sidecar.stopped', 'success', { cause }),
    async configLoaded(source, sha256) {
      await registryRecords.record(registry());
      return append('config.loaded', 'success', {
        credentials: registry().credentials.size,
        identities: registry().identities.size,
        sha256,
        source,
      });
    },
    configRefused: (mistakes) => append('config.refused', 'failed', { mistakes }),
  };
}
