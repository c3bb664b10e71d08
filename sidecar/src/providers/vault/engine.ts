import type { Material } from '@tallystick/protocol';
import type { MintOrder, UpstreamHandles } from '../provider.ts';
import type { VaultWanted } from '../vault.ts';
import type { AnswerReader } from './answers.ts';
import type { Mounts } from './mounts.ts';
import type { VaultCall, VaultClient } from './vault-client.ts';

/** What an engine is asked with. */
export interface EngineCall {
  readonly order: MintOrder<VaultWanted>;
  /** By the child token. */
  readonly call: VaultCall;
  readonly client: VaultClient;
  readonly answers: AnswerReader;
  readonly mounts: Mounts;
  /** Name of the provider, for messages. */
  readonly name: string;
  readonly nowMs: number;
}

/** What an engine has made. */
export interface EngineMade {
  readonly material: Material;
  readonly handles: UpstreamHandles;
  /** When it ends by itself, milliseconds since the epoch; undefined: a value that is only read. */
  readonly expiresAtMs: number | undefined;
  /** Vault's name for its lease; empty where it has none. */
  readonly vaultLease: string;
  readonly renewable: boolean;
}

/** Asks one engine, and reads what it answers. */
export type EngineMaker = (ask: EngineCall) => Promise<EngineMade>;
