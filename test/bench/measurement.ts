import type { Figure } from './figure.ts';

/** `full` is for the table; `quick` shows in seconds that everything runs, and its figures mean little. */
export type Effort = 'full' | 'quick';

/** One subject, measured together because its figures are compared with each other. */
export interface Measurement {
  /** What the command line calls it; the names of its figures begin with it. */
  readonly name: string;
  /** Nothing of it is left running when it resolves. */
  measure(effort: Effort): Promise<readonly Figure[]>;
}
