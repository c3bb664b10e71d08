import { printable } from './printable.ts';

/** Returns the one of `names` that `wrong` was probably meant to be, or undefined when none is near. */
export function didYouMean(wrong: string, names: Iterable<string>): string | undefined {
  if (wrong.length > 60) return undefined;
  const plain = bare(wrong);
  // A third of the letters may be wrong, and at most two.
  let limit = Math.min(2, Math.floor(wrong.length / 3));
  let best: string | undefined;
  for (const name of names) {
    if (bare(name) === plain) return name;
    const distance = editDistance(wrong.toLowerCase(), name.toLowerCase(), limit);
    if (distance <= limit && (best === undefined || distance < limit)) {
      best = name;
      limit = distance;
    }
  }
  return best;
}

/**
 * Returns what is wrong with the names in `options`, or undefined. An option that nobody reads is a mistake: one that was
 * to restrict something would be missed by nobody.
 *
 * @param known Has a member for each name that there is.
 */
export function strangeOption(options: object, known: Readonly<Record<string, true>>): string | undefined {
  const names = Object.keys(known);
  const strange = Object.entries(options).find(([name, value]) => value !== undefined && !names.includes(name))?.[0];
  if (strange === undefined) return undefined;
  const meant = didYouMean(strange, names);
  const hint = meant === undefined ? `there are ${names.join(', ')}` : `did you mean "${meant}"?`;
  return `"${printable(strange, 60)}" is not an option; ${hint}`;
}

/** `trust_domain`, `trust-domain` and `TrustDomain` are all `trustdomain`. */
function bare(name: string): string {
  return name.replace(/[-_ .]/g, '').toLowerCase();
}

/** Returns how many letters differ, two neighbours changed about counting as one; more than `limit` when it is more. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, before[j - 2]! + 1);
      next.push(cost);
    }
    before = row;
    row = next;
  }
  return row[b.length]!;
}
