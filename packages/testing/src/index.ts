export type { TestConfig, TestCredential, TestIdentity } from './config.ts';
export { createManualClock, type ManualClock } from './manual-clock.ts';
export { startSidecar, type TestSidecar, type TestVerifierOptions } from './start-sidecar.ts';
