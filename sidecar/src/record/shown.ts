import { holdsSecret } from '@tallystick/audit';

/** Returns what a workload said as the record may hold it: somebody may have put a token where a name belongs. */
export function shown(claimed: string): string {
  return holdsSecret(claimed) ? '(withheld: it looks like a secret)' : claimed;
}
