import { generateHolderKey, type HolderKey } from '@tallystick/dpop';
import type { Wanted } from './commands.ts';
import { credentialRequest } from './credential-request.ts';
import { leaseToken, nonceOf, requireToken, tokenRequest } from './token-request.ts';
import type { Answer, Wire } from './wire.ts';

/** How one kind of thing is asked for. */
export interface Asking {
  /** Asks until it is there, and returns the nonce that the next requests are made with. */
  lease(wire: Wire): Promise<string | undefined>;
  request(nonce: string | undefined): Buffer;
  /** @throws It is not what was asked for. */
  require(answer: Answer): void;
}

// One key for each sidecar, so that every burst finds what it asks for leased.
const keys = new Map<string, Promise<HolderKey>>();

/** Returns how `wanted` is asked for at `socket`. */
export async function askingFor(socket: string, wanted: Wanted): Promise<Asking> {
  if (wanted.kind === 'plain') return askingPlainly(wanted.path);
  const key = await keyOf(socket);
  if (wanted.kind === 'token') {
    return {
      lease: (wire) => leaseToken(wire, key, wanted.identity),
      request: (nonce) => tokenRequest(key, nonce, wanted.identity),
      require: requireToken,
    };
  }
  const request = (nonce: string | undefined): Buffer => credentialRequest(key, nonce, wanted);
  return {
    async lease(wire) {
      const first = await wire.exchange(request(undefined));
      const second = await wire.exchange(request(nonceOf(first)));
      requireOk(second);
      return nonceOf(second);
    },
    request,
    require: requireOk,
  };
}

function askingPlainly(path: string): Asking {
  const bytes = Buffer.from(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nX-Vault-Request: true\r\n\r\n`, 'latin1');
  return {
    async lease(wire) {
      requireOk(await wire.exchange(bytes));
      return undefined;
    },
    request: () => bytes,
    require: requireOk,
  };
}

/** Throws where an answer is none. */
export function requireOk(answer: Answer): void {
  if (answer.status !== 200) throw new Error(`refused: ${answer.status} ${answer.body()}`);
}

function keyOf(socket: string): Promise<HolderKey> {
  let key = keys.get(socket);
  if (!key) keys.set(socket, (key = generateHolderKey()));
  return key;
}
