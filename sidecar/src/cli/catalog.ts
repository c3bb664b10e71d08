import type { Command } from './command.ts';

/** The commands by name, of one word or two, each loaded when it is asked for: a command pays for no other. */
export const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  'audit export': async () => (await import('./audit/export.ts')).exportRecords,
  'audit find': async () => (await import('./audit/find.ts')).find,
  'audit inventory': async () => (await import('./audit/inventory.ts')).inventory,
  'audit log': async () => (await import('./audit/log.ts')).log,
  'audit prove': async () => (await import('./audit/prove.ts')).prove,
  'audit reconcile': async () => (await import('./audit/reconcile.ts')).reconcile,
  'audit tail': async () => (await import('./audit/tail.ts')).tail,
  'audit verify': async () => (await import('./audit/verify.ts')).verify,
  'audit verify-export': async () => (await import('./audit/verify-export.ts')).verifyExportedRecords,
  'audit verify-proof': async () => (await import('./audit/verify-proof.ts')).verifyProof,
  check: async () => (await import('./check.ts')).check,
  init: async () => (await import('./init.ts')).init,
  identities: async () => (await import('./identities.ts')).identities,
  issuer: async () => (await import('./issuer.ts')).issuer,
  leases: async () => (await import('./leases.ts')).leases,
  run: async () => (await import('./run.ts')).run,
  schema: async () => (await import('./schema.ts')).schema,
  status: async () => (await import('./status.ts')).status,
  witness: async () => (await import('./witness/witness.ts')).witness,
};
