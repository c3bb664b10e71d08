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
  /** Ends every stream. */
  close(): void;
}

export function createEventHub(epoch: string): EventHub {
  const streams = new Map<string, Set<{ subscriber: Subscriber; seq: number }>>();
  let size = 0;
  return {
    epoch,
    get size() {
      return size;
    },
    subscribe(subscriber, { state, leases }) {
      const stream = { subscriber, seq: 0 };
      const own = streams.get(subscriber.identity) ?? new Set();
      streams.set(subscriber.identity, own.add(stream));
      size++;
      subscriber.send({ type: 'snapshot', epoch, seq: 0, state, leases });
      return () => {
        if (!own.delete(stream)) return;
        size--;
        if (own.size === 0 && streams.get(subscriber.identity) === own) streams.delete(subscriber.identity);
      };
    },
    isLive: (identity, jkt) =>
      [...(streams.get(identity) ?? [])].some(({ subscriber }) => subscriber.jkt === jkt),
    publish(identity, event, jkt) {
      for (const stream of streams.get(identity) ?? []) {
        if (jkt !== undefined && stream.subscriber.jkt !== jkt) continue;
        stream.subscriber.send({ ...event, seq: ++stream.seq } as SidecarEvent);
      }
    },
    close() {
      for (const own of streams.values()) for (const { subscriber } of own) subscriber.end();
    },
  };
}
