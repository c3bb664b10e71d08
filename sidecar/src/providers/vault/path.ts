/** Secrets engines that this provider knows the answers of. `generic` is any other that gives values under a lease. */
export const ENGINES = ['kv', 'database', 'pki', 'ssh', 'aws', 'gcp', 'azure', 'generic'] as const;

export type Engine = (typeof ENGINES)[number];

/** The mounts that Vault's own documentation has for an engine. */
const USUAL_MOUNTS: ReadonlyMap<string, Engine> = new Map([
  ['secret', 'kv'],
  ['kv', 'kv'],
  ['database', 'database'],
  ['pki', 'pki'],
  ['pki_int', 'pki'],
  ['ssh', 'ssh'],
  ['ssh-client-signer', 'ssh'],
  ['aws', 'aws'],
  ['gcp', 'gcp'],
  ['azure', 'azure'],
]);

/** Returns the engine that a path stands for where the configuration says nothing; undefined where its mount has a name of its own. */
export function usualEngine(path: string): Engine | undefined {
  return USUAL_MOUNTS.get(path.slice(0, path.indexOf('/')));
}
