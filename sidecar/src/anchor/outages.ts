import { TallystickError } from '@tallystick/core';
import { errorFields, type Log, type LogFields } from '../observe/log.ts';

/** Tells of witnesses and replicas that fail, and that work again: once for each change, not once a round. */
export interface Outages {
  /** Those that failed when they were asked last. */
  readonly failing: readonly string[];
  failed(name: string, error: unknown): void;
  worked(name: string): void;
}

/** @param what Such as `witness`: names them in messages, and is the field of their name. */
export function createOutages(what: string, log: Log): Outages {
  const told = new Map<string, string>();
  const fields = (name: string): LogFields => ({ [what]: name });
  return {
    get failing() {
      return [...told.keys()];
    },
    failed(name, error) {
      const why = TallystickError.is(error) ? error.description : String((error as Error | undefined)?.name);
      if (told.get(name) === why) return;
      told.set(name, why);
      // What the other side contradicts is for somebody to look at now; what is away comes back.
      const level = TallystickError.is(error) && error.code === 'anchor_unavailable' ? 'warn' : 'error';
      log[level](`the ${what} does not anchor the record`, { ...fields(name), ...errorFields(error) });
    },
    worked(name) {
      if (told.delete(name)) log.info(`the ${what} anchors the record again`, fields(name));
    },
  };
}
