import type { Checks } from './checks.ts';
import type { Collector } from './collector.ts';
import type { Stage } from './stage.ts';
import type { Wiretap } from './wiretap.ts';

/** What a part of the demo works with. */
export interface Scene {
  readonly stage: Stage;
  readonly checks: Checks;
  readonly collector: Collector;
  readonly wiretap: Wiretap;
}

/** One part of the demo: does something to the running programs, and checks what follows. */
export type Part = (scene: Scene) => Promise<void>;

/** Resolves after `ms`. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
