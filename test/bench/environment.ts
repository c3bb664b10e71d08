import { execFileSync } from 'node:child_process';
import { closeSync, fdatasyncSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { cpus, loadavg, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../rules/repository.ts';
import { median, percentile } from './statistics.ts';

/** Returns one line about what the figures were measured on. */
export function describeEnvironment(): string {
  const [cpu, ...others] = cpus();
  const { p50, p95 } = probeDisk(500);
  return [
    `${others.length + 1} × ${cpu?.model ?? 'unknown'}`,
    `Linux ${release()}`,
    `Node ${process.versions.node}`,
    `state on ${deviceOf(tmpdir())}, where an append of 900 bytes with \`fdatasync\` takes ${p50.toFixed(2)} ms (p95 ${p95.toFixed(2)} ms)`,
    `load ${loadavg()[0]!.toFixed(1)} at the end`,
    new Date().toISOString().slice(0, 10),
    `commit ${commit()}`,
  ].join(' · ');
}

/** Returns what a row about the disk says of it: the device of the folder for state, and what a sync takes now. */
export function describeDisk(): string {
  return `on ${deviceOf(tmpdir())}, \`fdatasync\` ${probeDisk(200).p50.toFixed(2)} ms`;
}

/** Appends and syncs as the sidecar's record does, in the folder where its state lies. Milliseconds. */
export function probeDisk(count: number): { p50: number; p95: number } {
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-bench-disk-'));
  const file = openSync(join(folder, 'probe'), 'ax');
  try {
    const line = Buffer.alloc(900, 'a');
    const times: number[] = [];
    for (let i = 0; i < count; i++) {
      const start = performance.now();
      writeSync(file, line);
      fdatasyncSync(file);
      times.push(performance.now() - start);
    }
    return { p50: median(times), p95: percentile(times, 0.95) };
  } finally {
    closeSync(file);
    rmSync(folder, { recursive: true });
  }
}

function deviceOf(folder: string): string {
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, at]) => at !== undefined && (folder === at || folder.startsWith(at.endsWith('/') ? at : `${at}/`)));
  const [device = 'unknown', , type = ''] = mounts.sort((a, b) => b[1]!.length - a[1]!.length)[0] ?? [];
  return `${device} (${type})`;
}

function commit(): string {
  return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: ROOT, encoding: 'utf8' }).trim();
}
