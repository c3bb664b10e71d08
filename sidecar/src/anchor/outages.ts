import { TallystickError } from '@tallystick/core';
import { errorFields, type Log, type LogFields } from '../observe/log.ts';

/** Tells of witnesses and replicas that work, and that fail: once for each change, not once a round. */
export interface Outages {
  /** Those that failed when they were asked last. */
  readonly failing: readonly string[];
  failed(name: string, error: unknown): void;
  worked(name: string): void;
}

/** @param what Such as `witness`: names them in messages, and is the field of their name. */
export function createOutages(what: string, log: Log): Outages {
  /** Why each was last said to fail; undefined where it was said to work. */
  const told = new Map<string, string | undefined>();
  const fields = (name: string): LogFields => ({ [what]: name });
  return {
    get failing() {
      return [...told].flatMap(([name, why]) => (why === undefined ? [] : [name]));
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
      if (told.has(name) && told.get(name) === undefined) return;
      told.set(name, undefined);
      log.info(`the ${what} anchors the record`, fields(name));
    },
  };
}
