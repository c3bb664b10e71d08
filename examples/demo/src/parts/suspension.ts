import { done } from '../command.ts';
import { SERVICE } from '../config.ts';
import { startDeafHolder, type DeafHolder } from '../deaf-holder.ts';
import { pause, type Part, type Scene } from '../part.ts';

export const suspension: Part = async (scene) => {
  const { stage, checks, wiretap } = scene;
  checks.part('8  An operator suspends the identity');
  const deaf = await startDeafHolder(stage.appSocket);
  checks.holds('somebody with a token and its key gets in, before', (await deaf.call(wiretap.origin)).status === 200);

  const suspendedAt = Date.now();
  const watching = Promise.all([lastSuccess(scene), untilRefused(deaf, wiretap.origin)]);
  done(await stage.tallystick('identities', 'suspend', SERVICE, '--reason', 'INC-2041: key may have leaked'));
  const doneAt = Date.now();
  const [lastAt, refusedAt] = await watching;
  checks.holds(
    "the service's calls stop within a second",
    lastAt - doneAt < 1000,
    `last one ${Math.max(0, lastAt - doneAt)} ms after the command`,
  );
  const refusal = stage.service.lines.findLast(({ event }) => event === 'failed');
  checks.show('it is told', typeof refusal?.message === 'string' ? refusal.message : 'nothing');
  checks.holds('it is told why', refusal?.code === 'identity_suspended');
  checks.holds(
    'so do those of one who has the key and listens to nobody',
    refusedAt !== undefined && refusedAt - doneAt < 1000,
    refusedAt === undefined ? 'never refused' : `refused ${Math.max(0, refusedAt - doneAt)} ms after the command`,
  );
  checks.show('took', `${doneAt - suspendedAt} ms, the start of the command included`);

  const failures = stage.service.lines.length;
  done(await stage.tallystick('identities', 'resume', SERVICE, '--reason', 'INC-2041: new key'));
  const resumed = await stage.service
    .line((line) => stage.service.lines.indexOf(line) >= failures && line.event === 'posted' && line.status === 200)
    .then(
      () => true,
      () => false,
    );
  checks.holds('resumed: its calls go on', resumed);
  const again = await deaf.call(wiretap.origin);
  checks.holds('the old token of the other stays refused', again.status === 401, again.error);
};

/** Resolves with the time of the last call that succeeded, once the service has been refused. */
async function lastSuccess({ stage, wiretap }: Scene): Promise<number> {
  const from = stage.service.lines.length;
  await stage.service.line((line) => stage.service.lines.indexOf(line) >= from && line.event === 'failed');
  await pause(300);
  return wiretap.requests.findLast(({ status }) => status === 200)!.atMs;
}

/** Resolves with the time of the first refusal, or undefined when there was none in 5 s. */
async function untilRefused(holder: DeafHolder, ledger: string): Promise<number | undefined> {
  for (const endAt = Date.now() + 5000; Date.now() < endAt; await pause(20)) {
    if ((await holder.call(ledger)).status === 401) return Date.now();
  }
  return undefined;
}
