import type { Registry } from '../authorize/registry.ts';
import type { Recorder, RecordBodies, RecordRef, RecordType } from './record.ts';

/** Records what happens to the sidecar itself. Each is durable when it resolves. */
export interface LifecycleRecords {
  started(): Promise<RecordRef>;
  stopped(cause: string): Promise<RecordRef>;
  /** @param sha256 Of the text of the configuration, base64url. */
  configLoaded(source: 'file' | 'last-good', sha256: string): Promise<RecordRef>;
  configRefused(mistakes: number): Promise<RecordRef>;
}

export function createLifecycleRecords(options: {
  recorder: Recorder;
  registry: () => Registry;
  version: string;
}): LifecycleRecords {
  const { recorder, registry, version } = options;
  const append = <T extends RecordType>(
    type: T,
    outcome: 'success' | 'failed',
    body: RecordBodies[T],
  ): Promise<RecordRef> =>
    recorder.append({
      type,
      actor: 'sidecar',
      owner: null,
      process: null,
      registry: { root: registry().digest.root, entry: null },
      lease: null,
      outcome,
      reason: null,
      trace: null,
      body,
    });
  return {
    started: () => append('sidecar.started', 'success', { version, node: process.version }),
    stopped: (cause) => append('sidecar.stopped', 'success', { cause }),
    configLoaded: (source, sha256) =>
      append('config.loaded', 'success', {
        credentials: registry().credentials.size,
        identities: registry().identities.size,
        sha256,
        source,
      }),
    configRefused: (mistakes) => append('config.refused', 'failed', { mistakes }),
  };
}
