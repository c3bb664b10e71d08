import { join } from 'node:path';
import { JWT_TYPE, TallystickError, ulid, type Clock, type Random } from '@tallystick/core';
import { openLocalSigner } from './local-signer.ts';
import type { KeyAlgorithm, Signer } from './signer.ts';

/** The roles of keys that speak for the sidecar to upstreams. Their public halves are published as files. */
export type AssertionRole = 'client' | 'federation';

/** How a JWT to an upstream is signed. */
export interface AssertionOptions {
  /** Default `ES256`. */
  readonly alg?: KeyAlgorithm;
  /** `typ` of the header; default `JWT`. */
  readonly typ?: string;
}

/** The keys by which the sidecar proves to upstreams who it is. Each is made when something needs it first. */
export interface AssertionKeys {
  /** `iss` of federation JWTs; undefined where the configuration has no `federation`. */
  readonly federationUrl: string | undefined;
  /**
   * Returns a JWT: `claims`, with `iat` and `jti` where they have none, and with the `iss` of the federation.
   *
   * @throws {TallystickError} `config_invalid`: there is no `federation.url`; `state_unusable`
   */
  sign(role: AssertionRole, claims: Readonly<Record<string, unknown>>, options?: AssertionOptions): Promise<string>;
  /**
   * Returns the signers of a role, one for each algorithm.
   *
   * @throws {TallystickError} As {@link AssertionKeys.sign}.
   */
  signers(role: AssertionRole): Promise<readonly Signer[]>;
  /** Signers that something has needed in this run. */
  opened(): readonly Signer[];
}

/** The inputs of {@link createAssertionKeys}. */
export interface AssertionKeysOptions {
  readonly federationUrl: string | undefined;
  /** The folder of key files. */
  readonly folder: string;
  readonly clock: Clock;
  readonly random: Pick<Random, 'bytes'>;
}

/** Entra takes RS256 alone; everybody else takes ES256. */
const ALGORITHMS: Readonly<Record<AssertionRole, readonly KeyAlgorithm[]>> = {
  client: ['ES256'],
  federation: ['ES256', 'RS256'],
};

/** The longest life of an assertion: a retired key is published for that long. */
const MAX_LIFETIME_MS = 3_600_000;

export function createAssertionKeys(options: AssertionKeysOptions): AssertionKeys {
  const { federationUrl, folder, clock, random } = options;
  const opening = new Map<string, Promise<Signer>>();
  const opened = new Map<string, Signer>();

  const signerOf = (role: AssertionRole, alg: KeyAlgorithm): Promise<Signer> => {
    if (!ALGORITHMS[role].includes(alg)) throw new TypeError(`there are no ${alg} keys of the role "${role}"`);
    if (role === 'federation' && federationUrl === undefined) throw noFederation();
    const file = `${role}-${alg.toLowerCase()}-keys.json`;
    let signer = opening.get(file);
    if (!signer) {
      signer = openLocalSigner({
        issuer: role === 'federation' ? federationUrl! : '',
        role,
        alg,
        announced: 'as-files',
        path: join(folder, file),
        clock,
        maxLifetimeMs: MAX_LIFETIME_MS,
      });
      opening.set(file, signer);
      signer.then(
        (one) => opened.set(file, one),
        // What could not be opened is tried again by the next who needs it.
        () => opening.delete(file),
      );
    }
    return signer;
  };

  return {
    federationUrl,
    async sign(role, claims, { alg = 'ES256', typ = JWT_TYPE.plain } = {}) {
      const signer = await signerOf(role, alg);
      const whole = {
        iat: Math.floor(clock.nowMs() / 1000),
        jti: ulid(clock, random),
        ...claims,
        ...(role === 'federation' && { iss: signer.issuer }),
      };
      return signer.sign(typ, JSON.stringify(whole));
    },
    signers: async (role) => Promise.all(ALGORITHMS[role].map((alg) => signerOf(role, alg))),
    opened: () => [...opened.values()],
  };
}

function noFederation(): TallystickError {
  return new TallystickError('config_invalid', 'an upstream is to trust our federation, which has no name', {
    remedy: 'add "federation: { url: https://… }", the address at which "tallystick issuer publish" puts its files',
  });
}
