import { bundledCommand } from './bundle.ts';

/** Bundles the sidecar before the first test: hundreds are started, and the bundle is there in half the time. */
export async function setup(): Promise<void> {
  process.env.TALLYSTICK_BUNDLE = await bundledCommand();
}
