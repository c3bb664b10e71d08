import { readFileSync } from 'node:fs';

/** Resident memory of a process, in megabytes (10^6 bytes). Linux alone tells it this way. */
export interface Memory {
  /** What `ps` shows: the program's own pages, and those of files it maps, which it shares with others. */
  readonly rssMb: number;
  /** Of it the pages that are no file's. */
  readonly anonymousMb: number;
}

export function memoryOf(pid: number): Memory {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const megabytes = (field: string): number =>
    (Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * 1024) / 1e6;
  return { rssMb: megabytes('VmRSS'), anonymousMb: megabytes('RssAnon') };
}

/** Takes samples of a process until it is stopped. */
export function watchMemory(pid: number, everyMs = 250): { stop(): readonly Memory[] } {
  const samples: Memory[] = [];
  const timer = setInterval(() => samples.push(memoryOf(pid)), everyMs);
  return {
    stop() {
      clearInterval(timer);
      samples.push(memoryOf(pid));
      return samples;
    },
  };
}
