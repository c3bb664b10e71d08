import type { Command } from './command.ts';

/** The commands by name, each loaded when it is asked for: a command pays for no other. */
export const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  check: async () => (await import('./check.ts')).check,
  init: async () => (await import('./init.ts')).init,
  identities: async () => (await import('./identities.ts')).identities,
  issuer: async () => (await import('./issuer.ts')).issuer,
  leases: async () => (await import('./leases.ts')).leases,
  run: async () => (await import('./run.ts')).run,
  schema: async () => (await import('./schema.ts')).schema,
  status: async () => (await import('./status.ts')).status,
};
