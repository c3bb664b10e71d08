/** Takes one sample. */
export type Sampler = () => number | Promise<number>;

/**
 * Samples several candidates in turn, round by round, so that a slower minute of the machine meets all of them alike.
 * Each round begins with another candidate.
 *
 * @param warmUp Rounds that are not kept: the compiler is at work in them.
 * @returns The samples of each candidate, by round.
 */
export async function interleave<Name extends string>(
  candidates: Readonly<Record<Name, Sampler>>,
  { rounds, warmUp }: { readonly rounds: number; readonly warmUp: number },
): Promise<Record<Name, number[]>> {
  const names = Object.keys(candidates) as Name[];
  const samples = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Name, number[]>;
  for (let round = -warmUp; round < rounds; round++) {
    for (let turn = 0; turn < names.length; turn++) {
      const name = names[(turn + round + warmUp) % names.length]!;
      const sample = await candidates[name]();
      if (round >= 0) samples[name].push(sample);
    }
  }
  return samples;
}

/** Returns the microseconds that one call takes, over `count` calls in a row. */
export function timeCalls(count: number, call: (index: number) => unknown): number {
  const start = performance.now();
  for (let i = 0; i < count; i++) call(i);
  return ((performance.now() - start) * 1000) / count;
}

/** As {@link timeCalls}, each awaited before the next. */
export async function timeAwaited(count: number, call: (index: number) => Promise<unknown>): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < count; i++) await call(i);
  return ((performance.now() - start) * 1000) / count;
}
