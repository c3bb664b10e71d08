import { decodeJwt } from 'jose';
import { LIFETIME_SECONDS } from '../config.ts';
import { pause, type Part } from '../part.ts';
import { watchTraffic } from '../traffic.ts';

const AWAY_MS = 2500;

export const outages: Part = async ({ stage, checks, wiretap }) => {
  checks.part('5  The sidecar is killed, and stays away for a while');
  const killed = watchTraffic(stage, wiretap);
  const { pid } = stage.sidecar();
  await stage.sidecar().stop('SIGKILL');
  await stage.startSidecar();
  await pause(1000);
  const first = killed();
  checks.holds(
    'killed with -9 and restarted: no call failed',
    first.calls > 0 && first.failed === 0,
    first.firstFailure || `${pid} -> ${stage.sidecar().pid}, ${first.calls} calls, 0 failed`,
  );

  // What is held lasts through an outage for as long as it lives: to be replaced in its middle it needs the sidecar.
  const leftMs = (): number => decodeJwt(wiretap.requests.at(-1)!.token).exp! * 1000 - Date.now();
  const latestMs = Date.now() + LIFETIME_SECONDS * 1000;
  while (leftMs() < AWAY_MS + 7000 && Date.now() < latestMs) await pause(100);
  const away = watchTraffic(stage, wiretap);
  await stage.sidecar().stop('SIGKILL');
  await pause(AWAY_MS);
  const meanwhile = away();
  checks.holds(
    `away for ${AWAY_MS / 1000} s: no call failed`,
    meanwhile.calls > 0 && meanwhile.failed === 0,
    meanwhile.firstFailure || `${meanwhile.calls} calls, 0 failed`,
  );
  await stage.startSidecar();
  await pause(6000);
  const after = away();
  checks.holds(
    'back again: the service has a new token, and no call failed',
    after.tokens > 1 && after.failed === 0,
    after.firstFailure || `${after.calls} calls, ${after.tokens} tokens, 0 failed`,
  );
};
