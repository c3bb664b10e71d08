import type { Command } from './command.ts';

/** The commands by name, each loaded when it is asked for: a command pays for no other. */
export const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  check: async () => (await import('./check.ts')).check,
  init: async () => (await import('./init.ts')).init,
  run: async () => (await import('./run.ts')).run,
  schema: async () => (await import('./schema.ts')).schema,
};
