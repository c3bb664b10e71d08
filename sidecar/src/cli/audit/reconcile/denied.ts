import type { AuditRecord } from '@tallystick/audit';
import type { SeenReceipt } from './facts.ts';

/** Pairs of identity and audience that are kept apart. What is beyond is counted, and not compared. */
const MAX_PAIRS = 100_000;

/** How many identities were denied something, and what became of it at the API. */
export interface DeniedCounts {
  /** Identities with what they asked for. */
  readonly pairs: number;
  readonly neverTried: number;
  /** They were seen at the API nonetheless, by another credential. */
  readonly tried: number;
  /** More pairs than are kept apart: what was not compared. */
  readonly overflow: number;
}

/** Compares who was denied a credential with who came to the API. Grows with identities, not with requests. */
export class Denied {
  readonly #denied = new Set<string>();
  readonly #came = new Set<string>();
  #overflow = 0;

  deny({ actor, body }: AuditRecord<'credential.denied'>): void {
    this.#keep(this.#denied, actor, body.requested?.resource ?? null);
  }

  see({ caller, audience }: SeenReceipt): void {
    this.#keep(this.#came, caller, audience);
    this.#keep(this.#came, caller, null);
  }

  counts(): DeniedCounts {
    const tried = [...this.#denied].filter((pair) => this.#came.has(pair)).length;
    const pairs = this.#denied.size;
    return { pairs, tried, neverTried: pairs - tried, overflow: this.#overflow };
  }

  #keep(pairs: Set<string>, identity: string, audience: string | null): void {
    const pair = JSON.stringify([identity, audience]);
    if (pairs.has(pair)) return;
    if (pairs.size >= MAX_PAIRS) this.#overflow += 1;
    else pairs.add(pair);
  }
}
