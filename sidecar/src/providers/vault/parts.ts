import type { Clock } from '@tallystick/core';
import type { AnswerReader } from './answers.ts';
import type { Mounts } from './mounts.ts';
import type { Sessions } from './sessions.ts';
import type { VaultClient } from './vault-client.ts';

/** What one Vault is spoken with. */
export interface VaultParts {
  /** Name of the provider. */
  readonly name: string;
  readonly client: VaultClient;
  readonly answers: AnswerReader;
  readonly sessions: Sessions;
  readonly mounts: Mounts;
  readonly clock: Pick<Clock, 'nowMs'>;
  /** Path of the audit device whose HMACs are recorded. */
  readonly auditDevice: string | undefined;
  /** Begins what nothing waits for but the end of the provider. */
  aside(run: (signal: AbortSignal) => Promise<unknown>): void;
}
