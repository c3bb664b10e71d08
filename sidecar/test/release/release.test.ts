import { decodeJwt } from 'jose';
import { expect, test } from 'vitest';
import { holder } from '../api/holder.ts';
import { serveSidecar } from '../api/served-sidecar.ts';
import { configOf, identity } from '../acme.ts';

test('gives no token of an identity that a new configuration takes from the workload while it asks', async () => {
  const { sidecar, recorder, workload } = await serveSidecar();
  const before = await holder(await workload({ uid: 1001 }));
  await before.token();
  recorder.hold();
  const asked = before.token();
  await recorder.reached(2);
  const applied = sidecar.apply(configOf([identity('close-batch', { match: [['unix:uid:2001']] })]));
  recorder.letGo();
  const answer = await asked;
  await applied;
  expect([answer.status, answer.json.code]).toEqual([401, 'identity_unknown']);
  expect(sidecar.table.size).toBe(0);
  const after = await holder(await workload({ uid: 2001 }));
  expect(decodeJwt((await after.token()).json.access_token as string).sub).toBe('spiffe://acme.example/close-batch');
});
