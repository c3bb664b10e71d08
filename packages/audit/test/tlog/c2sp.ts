import { readFileSync } from 'node:fs';

/** Examples of the C2SP texts, of Go's note package, and of logs that are served. */
interface C2spVectors {
  readonly signedNote: { readonly vkey: string; readonly note: string; readonly text: string };
  readonly unicodeNote: string;
  readonly go: {
    readonly signerKey: string;
    readonly vkey: string;
    readonly secondVkey: string;
    readonly text: string;
    readonly note: string;
    readonly signedTwice: string;
    readonly wrongKeys: Readonly<Record<string, string>>;
  };
  readonly goSum: { readonly vkey: string; readonly note: string };
  readonly checkpoint: string;
  readonly cosigned: string;
  readonly cosignedTime: number;
  readonly addCheckpoint: string;
  readonly witnessAnswer: readonly string[];
  readonly formatsTime: { readonly signature: string; readonly time: number };
  readonly real: { readonly log: string; readonly witness: string; readonly size: number; readonly note: string };
  readonly tlogProof: {
    readonly hashes: readonly string[];
    readonly index: number;
    readonly extra: string;
    readonly checkpointText: string;
  };
}

export const c2sp = JSON.parse(readFileSync(new URL('vectors/c2sp.json', import.meta.url), 'utf8')) as C2spVectors;
