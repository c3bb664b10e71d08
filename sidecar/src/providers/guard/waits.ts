/**
 * Returns `ms`, a wait before an upstream is asked again. A wait of nothing is how a client becomes a storm, so it is
 * refused here, where all waits pass.
 *
 * @throws {RangeError} It is zero, negative, endless or no number.
 */
export function wait(ms: number): number {
  if (!(ms > 0 && ms < Infinity)) throw new RangeError('an upstream is asked again after a wait, never at once');
  return ms;
}
