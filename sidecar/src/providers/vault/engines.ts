import type { Engine } from './path.ts';
import type { EngineMaker } from './engine.ts';
import { readKv } from './kv.ts';
import { makeAws, readDatabase, readGcp, readGeneric } from './leased.ts';
import { signCertificate } from './pki.ts';
import { signSshKey } from './ssh.ts';

export const ENGINE_MAKERS: Readonly<Record<Engine, EngineMaker>> = {
  kv: readKv,
  database: readDatabase,
  pki: signCertificate,
  ssh: signSshKey,
  aws: makeAws,
  gcp: readGcp,
  azure: readGeneric,
  generic: readGeneric,
};

/** True where what an engine makes may have a lease, which ends with the token that asked for it. */
export function mayBeLeased(engine: Engine, path: string): boolean {
  switch (engine) {
    case 'kv':
    case 'ssh':
    case 'gcp':
      return false;
    case 'database':
      return !path.includes('/static-creds/');
    case 'aws':
    case 'azure':
    case 'generic':
    case 'pki':
      return true;
  }
}

/** The capability that a policy must give on the path. */
export function capabilityFor(engine: Engine): 'read' | 'update' {
  return engine === 'pki' || engine === 'ssh' || engine === 'aws' ? 'update' : 'read';
}
