import { pause, type Part } from '../part.ts';
import { watchTraffic } from '../traffic.ts';

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

  const away = watchTraffic(stage, wiretap);
  await stage.sidecar().stop('SIGKILL');
  await pause(2500);
  const meanwhile = away();
  checks.holds(
    'away for 2.5 s: no call failed',
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
