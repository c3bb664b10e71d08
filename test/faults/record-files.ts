import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A line of the record. */
export interface RecordLine {
  readonly type: string;
  readonly seq: number;
  readonly lease: string | null;
  readonly reason: string | null;
  readonly outcome: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Returns the whole lines of all record files of a daemon's folder, in their order. A torn last line is left out. */
export function readRecords(folder: string): RecordLine[] {
  const audit = join(folder, 'state/audit');
  return readdirSync(audit)
    .filter((name) => name.endsWith('.jsonl'))
    .sort()
    .flatMap((name) => {
      const text = readFileSync(join(audit, name), 'utf8');
      return text
        .slice(0, text.lastIndexOf('\n') + 1)
        .split('\n')
        .filter(Boolean);
    })
    .map((line) => JSON.parse(line) as RecordLine);
}
