import { createLog, type Log } from '../src/observe/log.ts';

/** A log that keeps its lines, parsed. */
export interface MemoryLog extends Log {
  readonly lines: Readonly<Record<string, unknown>>[];
}

export function memoryLog(): MemoryLog {
  const lines: Record<string, unknown>[] = [];
  const write = (line: string): void => void lines.push(JSON.parse(line) as Record<string, unknown>);
  return { ...createLog({ write, clock: { nowMs: () => 0 }, level: 'debug' }), lines };
}
