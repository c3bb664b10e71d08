import { TallystickError } from '@tallystick/core';
import type { LogHeads } from '../../src/record/heads/log-heads.ts';

/** Heads that a test decides about. */
export interface MemoryHeads extends LogHeads {
  /** What is shown. */
  head: string | undefined;
  /** The one that proves that the log was set back. */
  proof: string | undefined;
  /** What was judged, in order. */
  readonly judged: readonly string[];
}

export function memoryHeads(): MemoryHeads {
  const judged: string[] = [];
  return {
    head: undefined,
    proof: undefined,
    judged,
    newest() {
      return this.head;
    },
    get isContradicted() {
      return this.proof !== undefined && judged.includes(this.proof);
    },
    async judge(text) {
      judged.push(text);
      if (text === this.proof) throw new TallystickError('record_unavailable', 'the log was set back');
      return 'known';
    },
  };
}
