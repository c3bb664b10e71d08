// Loaded into a daemon before all else: its wall clock shows another time, and jumps to a second one with SIGUSR2.
import { performance } from 'node:perf_hooks';

const { searchParams } = new URL(import.meta.url);
let originMs = instant('now') - performance.now();
Date.now = () => Math.floor(originMs + performance.now());
process.on('SIGUSR2', () => {
  originMs = instant('jumpTo') - performance.now();
});

function instant(name: string): number {
  const ms = Date.parse(searchParams.get(name) ?? '');
  if (Number.isNaN(ms)) throw new Error('say what time it is: ?now=2026-12-31T23:59:00Z&jumpTo=2026-12-31T23:59:59Z');
  return ms;
}
