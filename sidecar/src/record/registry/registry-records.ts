import type { IdentityObject } from '@tallystick/core';
import type { Registry } from '../../authorize/registry.ts';
import { errorFields, type Log } from '../../observe/log.ts';
import type { Standing } from '../../state/standing.ts';
import type { Recorder, RecordInput } from '../record.ts';
import type { RecordedRegistry } from './recorded-registry.ts';
import { registryChanges } from './registry-changes.ts';

/** Records which identities there are, whole, so that the log alone can say who could have what at any time. */
export interface RegistryRecords {
  /**
   * Records how a registry differs from what the log knows, and resolves when that is durable. The records take their
   * place during the call: whatever is released by this registry comes after them in the log, and so is durable after.
   *
   * @throws {TallystickError} As a rejection, `record_unavailable`: the next call records it all again.
   */
  record(registry: Registry): Promise<void>;
}

/** The inputs of {@link createRegistryRecords}. */
export interface RegistryRecordsOptions {
  readonly recorder: Recorder;
  readonly recorded: RecordedRegistry;
  /** True for the first records of an incarnation that takes the place of another. */
  readonly continues: boolean;
  readonly standing: Pick<Standing, 'isSuspended'>;
  readonly log: Log;
}

export function createRegistryRecords(options: RegistryRecordsOptions): RegistryRecords {
  const { recorder, recorded, standing, log } = options;
  let appended: ReadonlyMap<string, IdentityObject> = recorded.identities;
  // What no log has told of yet was there before this one, or was suspended before it.
  const snapshot = appended.size === 0;
  let first = true;

  return {
    async record(registry) {
      const before = appended;
      const wasFirst = first && snapshot;
      first = false;
      const changes = registryChanges(before, registry.identities, (id) => {
        const suspended = standing.isSuspended(id);
        return wasFirst && (options.continues || suspended) ? { suspended } : undefined;
      });
      appended = registry.identities;
      if (changes.length === 0) return;
      try {
        await Promise.all(changes.map((change) => recorder.append(inputOf(change, registry))));
      } catch (error) {
        appended = before;
        throw error;
      }
      await recorded.keep(registry.identities).catch((error: unknown) => {
        // The log has it: the next start reads it there, or records it again.
        log.error('the copy of the identities on record could not be written', errorFields(error));
      });
    },
  };
}

function inputOf({ type, body }: ReturnType<typeof registryChanges>[number], registry: Registry): RecordInput {
  return {
    type,
    actor: 'sidecar',
    owner: body.object.owner,
    process: null,
    registry: { entry: registry.digest.entries.get(body.identity) ?? null, root: registry.digest.root },
    lease: null,
    outcome: 'success',
    reason: null,
    trace: null,
    body,
  };
}
