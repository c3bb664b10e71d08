import type { Limits } from './limits.ts';

/** What one client has open. Owned by {@link Admission}; for others to hold, not to read. */
export interface Share {
  readonly client: string;
  /** True for one that can be no workload. */
  readonly isStranger: boolean;
  connections: number;
  requests: number;
}

/** Counts open connections and requests, in total and per client, and refuses what goes beyond the limits. */
export class Admission {
  readonly #limits: Limits;
  readonly #shares = new Map<string, Share>();
  #connections = 0;
  #requests = 0;
  readonly #strangers = { connections: 0, requests: 0 };

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  get connections(): number {
    return this.#connections;
  }

  get requests(): number {
    return this.#requests;
  }

  /**
   * Admits a connection of `client`; undefined when there are too many. Pair it with {@link closeConnection}.
   *
   * @param isStranger It can be no workload. What it has open otherwise, as before a new configuration, counts apart.
   */
  openConnection(client: string, isStranger = false): Share | undefined {
    const share = this.#shares.get(nameOf(client, isStranger)) ?? { client, isStranger, connections: 0, requests: 0 };
    const { connections, connectionsPerClient } = this.#limits;
    if (this.#connections >= connections || share.connections >= connectionsPerClient) return undefined;
    if (this.#isOneStrangerTooMany(share, 'connections')) return undefined;
    this.#count(share, 'connections', 1);
    this.#shares.set(nameOf(client, isStranger), share);
    return share;
  }

  /** Once per connection, after its requests have ended. */
  closeConnection(share: Share): void {
    this.#count(share, 'connections', -1);
    if (share.connections === 0) this.#shares.delete(nameOf(share.client, share.isStranger));
  }

  /** Admits a request on a connection of `share`. False: refused. Pair a true one with {@link endRequest}. */
  beginRequest(share: Share): boolean {
    if (this.#requests >= this.#limits.requests || share.requests >= this.#limits.requestsPerClient) return false;
    if (this.#isOneStrangerTooMany(share, 'requests')) return false;
    this.#count(share, 'requests', 1);
    return true;
  }

  endRequest(share: Share): void {
    this.#count(share, 'requests', -1);
  }

  #isOneStrangerTooMany(share: Share, what: Counted): boolean {
    const { strangers, strangersPerClient } = this.#limits;
    return share.isStranger && (this.#strangers[what] >= strangers || share[what] >= strangersPerClient);
  }

  #count(share: Share, what: Counted, change: 1 | -1): void {
    if (what === 'connections') this.#connections += change;
    else this.#requests += change;
    share[what] += change;
    if (share.isStranger) this.#strangers[what] += change;
  }
}

type Counted = 'connections' | 'requests';

function nameOf(client: string, isStranger: boolean): string {
  return isStranger ? `stranger ${client}` : client;
}
