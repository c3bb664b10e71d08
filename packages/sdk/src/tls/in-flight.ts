/** What tells a handler of undici 7 or 8 that its request is over. */
const ENDS: ReadonlySet<PropertyKey> = new Set([
  'onResponseEnd',
  'onResponseError',
  'onRequestUpgrade',
  'onComplete',
  'onError',
  'onUpgrade',
]);

/** Ends that a handler need not want to hear of, and that we do: interceptors pass them on to those alone that do. */
const OPTIONAL_ENDS: ReadonlySet<PropertyKey> = new Set(['onResponseEnd', 'onResponseError']);

/**
 * Counts requests from their dispatch to their end. A dispatcher that is closed takes nothing more, also of those that were
 * given to it before: one that still waits for its token, or is sent a second time.
 */
export class InFlight {
  #count = 0;
  #settled: PromiseWithResolvers<void> | undefined;

  /** Counts a request until `dispatch` fails, or the handler that it is given is told of its end. */
  dispatch<H extends object>(handler: H, dispatch: (watched: H) => boolean): boolean {
    this.#count++;
    let isOver = false;
    const end = (): void => {
      if (isOver) return;
      isOver = true;
      if (--this.#count === 0) this.#settled?.resolve();
    };
    try {
      return dispatch(watched(handler, end));
    } catch (error) {
      end();
      throw error;
    }
  }

  /** Resolves when none is left. To be asked when nothing more is dispatched. */
  async settled(): Promise<void> {
    if (this.#count === 0) return;
    this.#settled ??= Promise.withResolvers();
    await this.#settled.promise;
  }
}

/** Returns a handler that does what `handler` does, and tells of its end. Its methods are called on `handler` itself. */
function watched<H extends object>(handler: H, ended: () => void): H {
  const methods = new Map<PropertyKey, unknown>();
  return new Proxy(handler, {
    get(target, name) {
      const own: unknown = Reflect.get(target, name);
      if (typeof own !== 'function') return OPTIONAL_ENDS.has(name) ? ended : own;
      let method = methods.get(name);
      if (method === undefined) {
        const call = (...args: unknown[]): unknown => Reflect.apply(own, target, args);
        const last = (...args: unknown[]): unknown => {
          ended();
          return call(...args);
        };
        methods.set(name, (method = ENDS.has(name) ? last : call));
      }
      return method;
    },
  });
}
