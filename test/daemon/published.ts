import { expect } from 'vitest';
import type { Daemon } from './daemon.ts';

/** Resolves when all is published that the log of a sidecar holds now, within a second, as its metrics tell. */
export async function allPublished(daemon: Daemon): Promise<void> {
  const figure = async (name: string): Promise<number> => {
    const text = await (await fetch(`${daemon.healthUrl}/metrics`)).text();
    return Number(new RegExp(`^tallystick_record_${name} (\\d+)$`, 'm').exec(text)![1]);
  };
  const size = await figure('size');
  await expect.poll(() => figure('published_size'), { timeout: 20_000, interval: 25 }).toBeGreaterThanOrEqual(size);
}
