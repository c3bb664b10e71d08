import { lookup as systemLookup, type LookupAddress, type LookupOptions } from 'node:dns';
import { systemClock, systemTimers, type Clock, type Timers } from '@tallystick/core';

/** The `lookup` of `net.connect`. */
export type Lookup = (hostname: string, options: LookupOptions, callback: LookupCallback) => void;

type LookupCallback = (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void;

/** The inputs of {@link createBoundedLookup}. */
export interface BoundedLookupOptions {
  readonly lookup: Lookup;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly timers: Timers;
}

/** A name that is not resolved by then is not. */
export const LOOKUP_MS = 4000;
/**
 * Each look-up holds a thread of the pool until the resolver gives up, which no one can stop; the disk and signatures
 * need that pool too.
 */
export const LOOKUPS_AT_ONCE = 2;
/** For how long an earlier answer stands in while names cannot be resolved. */
const REMEMBERED_MS = 3_600_000;
const MAX_REMEMBERED = 256;

type Outcome = { readonly addresses: LookupAddress[] } | { readonly error: NodeJS.ErrnoException };

/**
 * Returns a `lookup` that gives every caller an answer within {@link LOOKUP_MS} and holds few threads, however many
 * names hang. While a name cannot be resolved, its last addresses are used.
 */
export function createBoundedLookup({ lookup, clock, timers }: BoundedLookupOptions): Lookup {
  /** Look-ups that hold a thread, or wait for one, by host and options; those who ask for the same share it. */
  const asked = new Map<string, Promise<Outcome>>();
  const waiting: (() => void)[] = [];
  const remembered = new Map<string, { readonly addresses: LookupAddress[]; readonly atMs: number }>();
  let running = 0;

  const ask = async (hostname: string, options: LookupOptions, key: string): Promise<Outcome> => {
    if (running >= LOOKUPS_AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve));
    else running++;
    const outcome = await new Promise<Outcome>((resolve) => {
      lookup(hostname, { ...options, all: true }, (error, addresses) => {
        resolve(error ? { error } : { addresses: addresses as LookupAddress[] });
      });
    });
    const next = waiting.shift();
    if (next) next();
    else running--;
    asked.delete(key);
    if ('addresses' in outcome) {
      remembered.delete(key);
      remembered.set(key, { addresses: outcome.addresses, atMs: clock.monotonicMs() });
      if (remembered.size > MAX_REMEMBERED) remembered.delete(remembered.keys().next().value!);
    }
    return outcome;
  };
  const within = (given: Promise<Outcome>, hostname: string): Promise<Outcome> =>
    new Promise((resolve) => {
      const timer = timers.after(LOOKUP_MS, () => resolve({ error: unresolved(hostname) }));
      void given.then((outcome) => {
        timer.cancel();
        resolve(outcome);
      });
    });
  const standIn = (key: string): LookupAddress[] | undefined => {
    const known = remembered.get(key);
    return known && clock.monotonicMs() - known.atMs < REMEMBERED_MS ? known.addresses : undefined;
  };

  return (hostname, options, callback) => {
    const key = JSON.stringify([hostname, options.family ?? 0, options.hints ?? 0, options.order ?? '']);
    let given = asked.get(key);
    if (!given) asked.set(key, (given = ask(hostname, options, key)));
    void within(given, hostname).then((outcome) => {
      // A name that is said not to exist has perhaps been taken away on purpose; one that nobody answers for has not.
      const isMute = 'error' in outcome && (outcome.error.code === 'EAI_AGAIN' || outcome.error.code === 'ETIMEOUT');
      const addresses = 'addresses' in outcome ? outcome.addresses : isMute ? standIn(key) : undefined;
      const [first] = addresses ?? [];
      // Outside of the promise: what its caller throws is its own.
      if (!addresses || !first) {
        process.nextTick(callback, 'error' in outcome ? outcome.error : unresolved(hostname), []);
      } else if (options.all) process.nextTick(callback, null, addresses);
      else process.nextTick(callback, null, first.address, first.family);
    });
  };
}

function unresolved(hostname: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`"${hostname}" was not resolved within ${LOOKUP_MS} ms`), { code: 'ETIMEOUT' });
}

/** One for the whole process: its threads are. */
export const boundedLookup: Lookup = createBoundedLookup({
  lookup: systemLookup as Lookup,
  clock: systemClock,
  timers: systemTimers,
});
