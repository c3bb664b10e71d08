import { LIFETIME_SECONDS } from '../config.ts';
import { pause, type Part } from '../part.ts';
import { watchTraffic } from '../traffic.ts';

export const rotation: Part = async ({ stage, checks, wiretap }) => {
  checks.part('4  Tokens rotate under traffic');
  const seen = watchTraffic(stage, wiretap);
  await pause(LIFETIME_SECONDS * 600);
  const { calls, failed, tokens, firstFailure } = seen();
  checks.holds(`a token of ${LIFETIME_SECONDS} s was replaced ahead of its end`, tokens > 1, `${tokens} tokens`);
  checks.holds('no call failed', calls > 0 && failed === 0, firstFailure || `${calls} calls, 0 failed`);
};
