import type { Limits } from './limits.ts';

/** What one client has open. Owned by {@link Admission}; for others to hold, not to read. */
export interface Share {
  readonly client: string;
  connections: number;
  requests: number;
}

/** Counts open connections and requests, in total and per client, and refuses what goes beyond the limits. */
export class Admission {
  readonly #limits: Limits;
  readonly #shares = new Map<string, Share>();
  #connections = 0;
  #requests = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  get connections(): number {
    return this.#connections;
  }

  get requests(): number {
    return this.#requests;
  }

  /** Admits a connection of `client`; undefined when there are too many. Pair it with {@link closeConnection}. */
  openConnection(client: string): Share | undefined {
    const share = this.#shares.get(client) ?? { client, connections: 0, requests: 0 };
    const { connections, connectionsPerClient } = this.#limits;
    if (this.#connections >= connections || share.connections >= connectionsPerClient) return undefined;
    this.#connections++;
    share.connections++;
    this.#shares.set(client, share);
    return share;
  }

  /** Once per connection, after its requests have ended. */
  closeConnection(share: Share): void {
    this.#connections--;
    if (--share.connections === 0) this.#shares.delete(share.client);
  }

  /** Admits a request on a connection of `share`. False: refused. Pair a true one with {@link endRequest}. */
  beginRequest(share: Share): boolean {
    if (this.#requests >= this.#limits.requests || share.requests >= this.#limits.requestsPerClient) return false;
    this.#requests++;
    share.requests++;
    return true;
  }

  endRequest(share: Share): void {
    this.#requests--;
    share.requests--;
  }
}
