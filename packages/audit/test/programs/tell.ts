import { writeSync } from 'node:fs';

/** Writes a line to standard output before it returns, however long a reader takes: a pipe that is full says EAGAIN. */
export function tell(line: string): void {
  for (let rest = Buffer.from(`${line}\n`); rest.length > 0;) {
    try {
      rest = rest.subarray(writeSync(1, rest));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
}
