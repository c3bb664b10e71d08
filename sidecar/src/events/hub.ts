import type { IdentityState } from '@tallystick/core';
import type { SidecarEvent } from '@tallystick/protocol';

/** An event without its place in a stream. */
type Unnumbered<T> = T extends { seq: number } ? Omit<T, 'seq'> : never;
export type HubEvent = Unnumbered<SidecarEvent>;

/** One workload's open event stream. */
export interface Subscriber {
  readonly identity: string;
  readonly jkt: string;
  /** Sends an event; never throws. */
  send(event: SidecarEvent): void;
  /** Ends the stream. */
  end(): void;
  /** Ends the stream where its workload is no longer the identity; never throws. */
  recheck(): void;
}

/** Tells workloads what was taken from them. Scoped to identity and key: nobody learns of another's leases. */
export interface EventHub {
  /** Names this run of the sidecar. */
  readonly epoch: string;
  readonly size: number;
  /** Adds a stream, sends its snapshot, and returns what removes it. */
  subscribe(subscriber: Subscriber, snapshot: { state: IdentityState; leases: readonly string[] }): () => void;
  /** True while a stream of this holder is open. */
  isLive(identity: string, jkt: string): boolean;
  /** Sends to every stream of an identity, or of one of its keys. */
  publish(identity: string, event: HubEvent, jkt?: string): void;
  /** Has the streams of an identity ended whose workload a new configuration no longer makes that identity. */
  recheck(identity: string): void;
  /** Ends every stream. */
  close(): void;
}

/** An open stream, and how many events it has been sent. */
interface Stream {
  readonly subscriber: Subscriber;
  seq: number;
}

export function createEventHub(epoch: string): EventHub {
  // By identity, then by key: a revocation reaches one holder among thousands without asking the others.
  const identities = new Map<string, Map<string, Set<Stream>>>();
  let size = 0;

  const send = (streams: Iterable<Stream>, event: HubEvent): void => {
    for (const stream of streams) stream.subscriber.send({ ...event, seq: ++stream.seq } as SidecarEvent);
  };
  const remove = (stream: Stream): void => {
    const { identity, jkt } = stream.subscriber;
    const holders = identities.get(identity);
    const own = holders?.get(jkt);
    if (!own?.delete(stream)) return;
    size--;
    if (own.size === 0) holders!.delete(jkt);
    if (holders!.size === 0) identities.delete(identity);
  };

  return {
    epoch,
    get size() {
      return size;
    },
    subscribe(subscriber, { state, leases }) {
      const { identity, jkt } = subscriber;
      const stream = { subscriber, seq: 0 };
      const holders = identities.get(identity) ?? new Map<string, Set<Stream>>();
      const own = holders.get(jkt) ?? new Set();
      identities.set(identity, holders.set(jkt, own.add(stream)));
      size++;
      subscriber.send({ type: 'snapshot', epoch, seq: 0, state, leases });
      return () => remove(stream);
    },
    isLive: (identity, jkt) => identities.get(identity)?.has(jkt) ?? false,
    publish(identity, event, jkt) {
      const holders = identities.get(identity);
      if (!holders) return;
      if (jkt !== undefined) send(holders.get(jkt) ?? [], event);
      else for (const streams of holders.values()) send(streams, event);
    },
    recheck(identity) {
      for (const streams of identities.get(identity)?.values() ?? []) {
        for (const { subscriber } of streams) subscriber.recheck();
      }
    },
    close() {
      for (const holders of identities.values()) {
        for (const streams of holders.values()) for (const { subscriber } of streams) subscriber.end();
      }
    },
  };
}
