import { join } from 'node:path';
import type { Json } from '@tallystick/core';
import type { ProviderMemory } from '../providers/provider.ts';
import { readStateFile, writeStateFile } from './state-file.ts';

/** Returns what one provider keeps over a restart: a state file under its name. */
export function providerMemory(folder: string, name: string): ProviderMemory {
  const path = join(folder, `provider-${name}.json`);
  const what = `the provider "${name}"`;
  return {
    read: () => readStateFile(path, what),
    write: (value) => writeStateFile(path, what, value as Json),
  };
}
