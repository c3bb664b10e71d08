import type { Daemon } from '../daemon/daemon.ts';

const PROGRAM = `
  import timers from 'node:timers';
  const { setTimeout, clearTimeout } = timers;
  const live = new Set();
  timers.setTimeout = (run, ms) => {
    const timer = setTimeout(() => { live.delete(timer); run(); }, ms);
    live.add(timer);
    return timer;
  };
  timers.clearTimeout = (timer) => { live.delete(timer); clearTimeout(timer); };
  process.on('SIGUSR2', () => console.error(JSON.stringify({ message: 'timers', live: live.size })));`;

/** A flag of Node's by which a sidecar counts the timers of its own code that have not fired. Node's are not in it. */
export const COUNTS_TIMERS: string = `--import=data:text/javascript,${encodeURIComponent(PROGRAM)}`;

/** Returns how many timers a sidecar has now, which was started with {@link COUNTS_TIMERS}. */
export async function countTimers(daemon: Daemon): Promise<number> {
  const told = daemon.nextLogged('timers');
  process.kill(daemon.pid, 'SIGUSR2');
  return (await told).live as number;
}
